import { Get, Param, StreamableFile } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiProduces } from '@nestjs/swagger';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { TimbreError } from '../../errors/timbre-error.js';
import { PACKAGE_FOLDER } from '../../support/package.js';
import { ApiController } from '../access/api-controller.js';
import { BoundKeys } from '../access/bound-keys.js';
import { RequireScope } from '../access/scope.js';
import { ApiErrors } from '../http/api-errors.js';

/** Where set-up has espeak-ng speak them; an installed package has none. */
const FOLDER = join(PACKAGE_FOLDER, 'samples');
const NAME = /^([a-z]+)-\d+[.]wav$/;

const samplesView = z.object({
  samples: z.array(
    z.object({
      name: z.string().meta({ example: 'anna-1.wav' }),
      voice: z.string().meta({ description: 'Who speaks; a name that was made up.', example: 'anna' }),
    }),
  ),
  synthetic: z.literal(true).meta({ description: 'A program speaks: they are nobody, and nobody consents for them.' }),
});

/** Something to try the service on before there are recordings of one's own. */
@ApiController('v1/samples', 'Operations')
@RequireScope('read')
@BoundKeys('anything')
export class SamplesController {
  @Get()
  @ApiOperation({ summary: 'Recordings of synthetic voices to try the service on', operationId: 'listSamples' })
  @ApiOkResponse({ description: 'None where set-up has made none.', standardSchema: samplesView })
  async list(): Promise<z.output<typeof samplesView>> {
    const names = await this.names();
    return { samples: names.map((name) => ({ name, voice: NAME.exec(name)![1]! })), synthetic: true };
  }

  @Get(':name')
  @ApiOperation({ summary: 'One of them', operationId: 'getSample' })
  @ApiParam({ name: 'name', example: 'anna-1.wav' })
  @ApiProduces('audio/wav')
  @ApiOkResponse({ description: 'The recording.', schema: { type: 'string', format: 'binary' } })
  @ApiErrors('ROUTE_NOT_FOUND')
  async read(@Param('name') name: string): Promise<StreamableFile> {
    // Looked up: what a caller names never becomes a path.
    const found = (await this.names()).find((one) => one === name);
    if (found === undefined) throw new TimbreError('ROUTE_NOT_FOUND', `there is no sample ${JSON.stringify(name)}`);
    return new StreamableFile(createReadStream(join(FOLDER, found)), { type: 'audio/wav' });
  }

  private async names(): Promise<string[]> {
    const all = await readdir(FOLDER).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    });
    return all.filter((name) => NAME.test(name)).sort();
  }
}
