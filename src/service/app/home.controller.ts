import { Controller, Get, Header, UseFilters, UseInterceptors } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '../access/scope.js';
import { ErrorFilter } from '../http/error.filter.js';
import { RequestInterceptor } from '../http/request.interceptor.js';

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Timbre</title>
  </head>
  <body>
    <h1>Timbre</h1>
    <p id="state" role="status">Not signed in. "timbre sign-in" prints a link that signs in once.</p>
    <p><a href="docs">The calls of this service, to read and to try out</a></p>
    <script src="home.js"></script>
  </body>
</html>
`;

/** The key stays in this tab: a cookie would go to every other port of this machine too. */
const SCRIPT = `const state = document.getElementById('state');
const signedIn = () => {
  const session = JSON.parse(sessionStorage.getItem('timbre-session') ?? 'null');
  if (session === null || new Date(session.expiresAt) <= new Date()) return;
  state.textContent = 'Signed in until ' + new Date(session.expiresAt).toLocaleString() + '.';
};
const code = /^#sign-in=([\\w-]+)$/.exec(location.hash)?.[1];
if (code === undefined) signedIn();
else {
  history.replaceState(null, '', location.pathname);
  fetch('v1/sign-in', { method: 'POST', headers: { 'x-sign-in-code': code } })
    .then(async (response) => {
      const body = await response.json();
      if (!response.ok) throw new Error(body.message);
      sessionStorage.setItem('timbre-session', JSON.stringify(body));
      signedIn();
    })
    .catch((error) => (state.textContent = 'Not signed in: ' + error.message));
}
`;

/** What lives at the root: who signs in by a link, and where the calls are. */
@Controller()
@Public()
@UseFilters(ErrorFilter)
@UseInterceptors(RequestInterceptor)
@ApiExcludeController()
export class HomeController {
  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  page(): string {
    return PAGE;
  }

  @Get('home.js')
  @Header('content-type', 'text/javascript; charset=utf-8')
  script(): string {
    return SCRIPT;
  }
}
