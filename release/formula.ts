/**
 * The Homebrew formula. It is called onemcp, since a formula's name becomes the name of a Ruby class and no such name
 * begins with a digit; what it installs is `1mcp`.
 */
import { completionPaths } from "./completions.ts";
import { placeOf } from "./forge.ts";
import { archiveOf } from "./platforms.ts";
import { digestOf, type Sum } from "./sums.ts";

export interface Formula {
  readonly version: string;
  /** The address below which the published files lie. */
  readonly url: string;
  readonly license: string;
  readonly description: string;
  readonly sums: readonly Sum[];
  readonly hasCompletions: boolean;
}

export const formulaName = "onemcp.rb";

/** The formula's text. */
export function formulaOf(formula: Formula): string {
  return `# Made by "bun run build --all"; the checksums are those of SHA256SUMS.
class Onemcp < Formula
  desc ${quoted(formula.description.replace(/\.$/, ""))}
  homepage ${quoted(placeOf(formula.url).project)}
  version ${quoted(formula.version)}
  license ${quoted(formula.license)}

  on_macos do
${choices(formula, "darwin")}
  end

  on_linux do
${choices(formula, "linux")}
  end

  def install
    bin.install "1mcp"
    man1.install "1mcp.1"
${formula.hasCompletions ? completions : ""}  end

  service do
    run [opt_bin/"1mcp", "serve"]
    keep_alive crashed: true
  end

  test do
    assert_equal version.to_s, shell_output("#{bin}/1mcp --version").strip
    (testpath/"mcp.json").write '{"mcpServers":{}}'
    system bin/"1mcp", "config", "check", "--config", testpath/"mcp.json"
  end
end
`;
}

const choices = (formula: Formula, system: string): string => [choice(formula, "on_arm", `${system}-arm64`), choice(formula, "on_intel", `${system}-x64`)].join("\n");

function choice({ version, url, sums }: Formula, condition: string, name: string): string {
  const archive = archiveOf({ name }, version);
  return `    ${condition} do\n      url ${quoted(`${url}/${archive}`)}\n      sha256 ${quoted(digestOf(sums, archive))}\n    end`;
}

const completions = [
  `    bash_completion.install "completions/${completionPaths["bash"]}"\n`,
  `    zsh_completion.install "completions/${completionPaths["zsh"]}"\n`,
  `    fish_completion.install "completions/${completionPaths["fish"]}"\n`,
].join("");

/** A Ruby string that stands for itself. */
const quoted = (text: string): string => `"${text.replaceAll(/[\\"#]/g, (one) => `\\${one}`)}"`;
