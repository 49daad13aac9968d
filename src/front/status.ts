/**
 * What anybody may ask without a token, and without our name for it (a load balancer asks by address): whether the door
 * is open, and whether calls can be served. One word each; everything else needs a caller who is known.
 */

const jsonHeaders = Object.freeze({ "Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" });

/** `/health`, `/health/live`: 200 whenever the front door is up. */
export const healthOk = (): Response => new Response('{"status":"ok"}', { headers: jsonHeaders });

/** `/health/ready`: 200 when calls can be served, 503 while starting or draining. */
export const healthReady = (ready: boolean): Response =>
  ready ? healthOk() : new Response('{"status":"unavailable"}', { status: 503, headers: jsonHeaders });

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>1mcp</title>
<h1>1mcp</h1>
<p>This is one door to many MCP servers. Point an MCP client at <code>/mcp</code> here, with the bearer token of this
installation; <code>/mcp/&lt;server&gt;</code> is one server alone.</p>
</html>
`;

/** `/`: what this is, for a person who opened the address in a browser. */
export const frontPage = (): Response =>
  new Response(page, {
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'",
      "X-Content-Type-Options": "nosniff",
      "X-Frame-Options": "DENY",
      "Referrer-Policy": "no-referrer",
    },
  });

/** Every other path. */
export const notFound = (): Response => new Response("not found\n", { status: 404, headers: { "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff" } });
