/**
 * How our pages look: one style for all, in the page itself and named in its policy by its hash, so that no other is
 * applied. Light or dark as the system is, one column, from a phone's width on.
 */
import { raw } from "hono/html";

const css = `
:root { --ink: #1b1f24; --paper: #ffffff; --quiet: #57606a; --line: #d0d7de; --main: #0b57d0; --on-main: #ffffff; --warn: #8a3b00; --warn-paper: #fff4e5; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --quiet: #9aa4af; --line: #3d444d; --main: #8ab4f8; --on-main: #0d1117; --warn: #ffb77c; --warn-paper: #2d1c0b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 40rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1rem; }
dl { display: grid; grid-template-columns: minmax(6rem, max-content) 1fr; gap: .25rem 1rem; margin: 1rem 0; padding: .75rem 0; border: solid var(--line); border-width: 1px 0; }
dt { color: var(--quiet); }
dd { margin: 0; }
.id, code, .code { font-family: ui-monospace, monospace; font-size: .95em; }
pre { padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .5rem; }
p.code { font-size: 2rem; letter-spacing: .08em; text-align: center; margin: 1rem 0; }
.quiet { color: var(--quiet); }
.warning { color: var(--warn); }
p.warning { background: var(--warn-paper); border-left: .25rem solid var(--warn); padding: .5rem .75rem; }
fieldset { border: 1px solid var(--line); border-radius: .5rem; padding: .5rem 1rem; margin: 1rem 0; }
.scope { padding: .5rem 0; }
.scope label { display: flex; gap: .75rem; align-items: flex-start; padding: .25rem 0; }
.scope input { width: 1.25rem; height: 1.25rem; margin: .15rem 0 0; flex: none; accent-color: var(--main); }
.scope ul { margin: .25rem 0 0 2rem; padding-left: 1rem; color: var(--quiet); }
input:not([type=checkbox]) { display: block; width: 100%; padding: .6rem .75rem; font: inherit; color: inherit; background: transparent; border: 1px solid var(--quiet); border-radius: .5rem; }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; }
button, a.main { flex: 1 1 8rem; min-height: 2.75rem; padding: .6rem 1rem; font: inherit; font-weight: 600; text-align: center; text-decoration: none; color: inherit; background: transparent; border: 1px solid var(--quiet); border-radius: .5rem; cursor: pointer; }
button.main, a.main { background: var(--main); border-color: var(--main); color: var(--on-main); }
a { color: var(--main); }
a:focus-visible, button:focus-visible, input:focus-visible { outline: 3px solid var(--main); outline-offset: 2px; }
.ways { list-style: none; padding: 0; }
`;

/** The style as it stands in a page. */
export const style = raw(`<style>${css}</style>`);

/** The same as a source for `style-src`. */
export const styleSource = (): string => `'sha256-${new Bun.CryptoHasher("sha256").update(css).digest("base64")}'`;
