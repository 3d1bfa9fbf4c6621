import { Get, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { SCOPES } from '../../support/scopes.js';
import { contextOf } from '../http/request-context.js';
import { ApiController } from './api-controller.js';
import { BoundKeys } from './bound-keys.js';
import { RequireScope } from './scope.js';

const accessView = z.object({
  keyId: z.string().nullable().meta({ description: 'Of the key that the call brings; null where it needs none.' }),
  scopes: z.array(z.enum(SCOPES)),
  groups: z
    .array(z.string())
    .nullable()
    .meta({ description: 'Ids of the groups that the key is bound to; null: to none.' }),
});

/** What a page offers is what its key may do. */
@ApiController('v1/access', 'Access')
@RequireScope('read')
@BoundKeys('anything')
export class AccessController {
  @Get()
  @ApiOperation({ summary: 'What the key of the call may do', operationId: 'getAccess' })
  @ApiOkResponse({ description: 'Of the key, or of whoever needs none.', standardSchema: accessView })
  read(@Req() request: IncomingMessage): z.output<typeof accessView> {
    const { keyId, scopes, groups } = contextOf(request);
    return { keyId, scopes: [...scopes], groups: groups?.map(({ id }) => id) ?? null };
  }
}
