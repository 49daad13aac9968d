/**
 * Variables that make a program load foreign code, or steer the runtime that we are built on. Nobody inherits them, and
 * an entry that declares one must say that it means it: such a line is how a harmless entry becomes somebody's program.
 */

const loaders = /^(LD_.*|DYLD_.*|NODE_OPTIONS|BUN_OPTIONS|BUN_BE_BUN|BUN_INSPECT.*|BASH_ENV|PERL5OPT|RUBYOPT|PYTHONSTARTUP|JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS|_JAVA_OPTIONS|GCONV_PATH|GLIBC_TUNABLES)$/i;

/** Whether a variable of this name loads code or steers the runtime. */
export const isLoader = (name: string): boolean => loaders.test(name);
