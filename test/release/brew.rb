# The least of Homebrew that a formula needs, for computers without it: it reads the formula, fetches what it names for
# this platform, checks the sum as Homebrew does, runs `install` into a prefix, and then the formula's own test.
# It is no Homebrew: style, audits, bottles and linking are not looked at.
#
# usage: ruby brew.rb FORMULA PREFIX [ADDRESS] — ADDRESS is where the archive is fetched instead
require "digest"
require "fileutils"
require "open-uri"
require "pathname"
require "tmpdir"

class Pathname
  def install(*files)
    FileUtils.mkdir_p(self)
    files.each { |file| FileUtils.mv(file, self) }
  end
end

class Formula
  FACTS = {}
  %i[desc homepage version license url sha256].each { |name| define_singleton_method(name) { |value| FACTS[name] = value } }
  def self.on_macos = (yield if RUBY_PLATFORM.include?("darwin"))
  def self.on_linux = (yield if RUBY_PLATFORM.include?("linux"))
  def self.on_arm = (yield if RUBY_PLATFORM.match?(/arm64|aarch64/))
  def self.on_intel = (yield if RUBY_PLATFORM.include?("x86_64"))
  def self.service(&block) = FACTS[:service] = block
  def self.test(&block) = FACTS[:test] = block

  attr_reader :testpath

  def initialize(prefix, testpath)
    @prefix = Pathname(prefix)
    @testpath = Pathname(testpath)
  end

  def version = FACTS[:version]
  def bin = @prefix / "bin"
  def opt_bin = bin
  def man1 = @prefix / "share/man/man1"
  def bash_completion = @prefix / "etc/bash_completion.d"
  def zsh_completion = @prefix / "share/zsh/site-functions"
  def fish_completion = @prefix / "share/fish/vendor_completions.d"
  def shell_output(command) = `#{command}`.tap { raise "#{command} failed" unless $?.success? }
  def assert_equal(wanted, found) = (raise "#{found.inspect} is not #{wanted.inspect}" unless wanted == found)
  def system(*command) = (raise "#{command} failed" unless Kernel.system(*command.map(&:to_s)))
  def run(command) = FACTS[:run] = command.map(&:to_s)
  def keep_alive(_when) = nil
end

formula, prefix, address = ARGV
load formula
Dir.mktmpdir do |work|
  archive = File.join(work, "archive.tar.gz")
  source = address.nil? ? Formula::FACTS[:url] : File.join(address, File.basename(Formula::FACTS[:url]))
  File.binwrite(archive, URI.parse(source).open.read)
  found = Digest::SHA256.file(archive).hexdigest
  abort "SHA256 mismatch: expected #{Formula::FACTS[:sha256]}, actual #{found}" unless found == Formula::FACTS[:sha256]
  Kernel.system("tar", "-xzf", archive, "-C", work, exception: true)
  made = Onemcp.new(prefix, Dir.mktmpdir("test", work))
  # As Homebrew does, in the one folder that the archive holds.
  Dir.chdir(Dir.children(work).map { |name| File.join(work, name) }.find { |path| File.basename(path).start_with?("1mcp-") }) { made.install }
  made.instance_eval(&Formula::FACTS[:service])
  made.instance_eval(&Formula::FACTS[:test])
  puts "#{Formula::FACTS[:version]} installed, tested; the service runs #{Formula::FACTS[:run].drop(1).join(" ")}"
end
