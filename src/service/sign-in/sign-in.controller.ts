import { Delete, Headers, HttpCode, Post, Req } from '@nestjs/common';
import { ApiCreatedResponse, ApiHeader, ApiNoContentResponse, ApiOperation } from '@nestjs/swagger';
import type { IncomingMessage } from 'node:http';
import { ApiController } from '../access/api-controller.js';
import { Public, RequireScope } from '../access/scope.js';
import { ApiErrors } from '../http/api-errors.js';
import { contextOf } from '../http/request-context.js';
import { SignIn } from './sign-in.js';
import { sessionView, signInLinkView, type SessionView, type SignInLinkView } from './sign-in.dto.js';

const CODE_HEADER = 'x-sign-in-code';

@ApiController('v1/sign-in', 'Access')
@RequireScope('admin')
export class SignInController {
  constructor(private readonly signIn: SignIn) {}

  @Post('links')
  @ApiOperation({ summary: 'A link that signs in once', operationId: 'createSignInLink' })
  @ApiCreatedResponse({ description: 'The link.', standardSchema: signInLinkView })
  async link(): Promise<SignInLinkView> {
    const { code, expiresAt } = await this.signIn.link();
    return { path: `/#sign-in=${code}`, expiresAt: expiresAt.toISOString() };
  }

  @Post()
  @Public()
  @ApiOperation({
    summary: "Exchange a sign-in link's code for a key",
    description:
      'The code is what follows `#sign-in=` in the link. It comes in a header, because the body of a call without a ' +
      'key is not read.',
    operationId: 'signIn',
  })
  @ApiHeader({ name: CODE_HEADER, required: true })
  @ApiCreatedResponse({ description: 'The key of the session.', standardSchema: sessionView })
  @ApiErrors('UNAUTHENTICATED', 'STORAGE_INVALID', 'STORAGE_UNAVAILABLE')
  async exchange(@Headers(CODE_HEADER) code: string | undefined): Promise<SessionView> {
    const { key, text } = await this.signIn.exchange(code ?? '');
    return { key: text, scopes: [...key.scopes], expiresAt: key.expiresAt!.toISOString() };
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({ summary: 'End the session of the key that the call brings', operationId: 'signOut' })
  @ApiNoContentResponse({ description: 'Ended, or no session.' })
  async end(@Req() request: IncomingMessage): Promise<void> {
    const { keyId } = contextOf(request);
    if (keyId !== null) await this.signIn.end(keyId);
  }
}
