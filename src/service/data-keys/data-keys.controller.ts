import { Get, HttpCode, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { RequireScope } from '../access/scope.js';
import { ApiController } from '../access/api-controller.js';
import { ApiErrors } from '../http/api-errors.js';
import { rotationView, toRotationView, type RotationView } from './data-keys.dto.js';
import { DataKeys } from './data-keys.js';

@ApiController('v1/data-key/rotation', 'Privacy')
@RequireScope('admin')
@ApiErrors('STORAGE_UNAVAILABLE')
export class DataKeysController {
  constructor(private readonly keys: DataKeys) {}

  @Get()
  @ApiOperation({ summary: 'Where the rotation of the data key stands', operationId: 'getDataKeyRotation' })
  @ApiOkResponse({ description: 'The state now.', standardSchema: rotationView })
  async status(): Promise<RotationView> {
    return toRotationView(await this.keys.status());
  }

  @Post()
  @HttpCode(202)
  @ApiOperation({
    summary: 'Re-encrypt all voice embeddings with a new data key',
    description:
      'Runs beside requests, goes on after a restart, and takes the old key out of the key file when nothing needs it any ' +
      'more. Backups made before need it: it is kept aside until `timbre keys forget-retired`.',
    operationId: 'rotateDataKey',
  })
  @ApiAcceptedResponse({ description: 'It runs.', standardSchema: rotationView })
  @ApiErrors('STORAGE_FULL', 'STORAGE_EXPOSED', 'CONFLICT')
  async rotate(): Promise<RotationView> {
    return toRotationView(await this.keys.rotate());
  }
}
