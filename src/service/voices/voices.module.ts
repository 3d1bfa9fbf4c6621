import { Module } from '@nestjs/common';
import { CurrentModel } from './current-model.js';
import { LastModel } from './last-model.js';
import { NativeVoiceIndex } from './native-voice-index.js';
import { VoiceIndex } from './voice-index.js';

/** What the features about voices share. `UnitOfWork` comes from src/persistence. */
@Module({
  providers: [CurrentModel, LastModel, NativeVoiceIndex, { provide: VoiceIndex, useExisting: NativeVoiceIndex }],
  exports: [CurrentModel, VoiceIndex],
})
export class VoicesModule {}
