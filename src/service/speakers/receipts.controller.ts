import { Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam } from '@nestjs/swagger';
import { ApiController } from '../access/api-controller.js';
import { BoundKeys } from '../access/bound-keys.js';
import { RequireScope } from '../access/scope.js';
import { ApiErrors } from '../http/api-errors.js';
import { checkedReceiptView, toReceiptView, type CheckedReceiptView } from './receipt.dto.js';
import { SpeakersService } from './speakers.service.js';

@ApiController('v1/receipts', 'Privacy')
@RequireScope('admin')
@BoundKeys('members')
export class ReceiptsController {
  constructor(private readonly speakers: SpeakersService) {}

  @Get(':id')
  @ApiOperation({
    summary: 'Check the receipt of an erasure',
    description: 'Whether the traces are wiped by now, and whether the speaker is there again in spite of it.',
    operationId: 'checkReceipt',
  })
  @ApiParam({ name: 'id', example: '7d0b5f7e-6a52-4a1f-9d2b-0f4f0f1f8c55' })
  @ApiOkResponse({ description: 'The receipt, as things are now.', standardSchema: checkedReceiptView })
  @ApiErrors('RECEIPT_NOT_FOUND', 'STORAGE_UNAVAILABLE')
  async check(@Param('id') id: string): Promise<CheckedReceiptView> {
    const { receipt, remains } = await this.speakers.receipt(id);
    return { ...toReceiptView(receipt), remains };
  }
}
