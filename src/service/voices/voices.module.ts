import { Global, Module } from '@nestjs/common';
import { CurrentModel } from './current-model.js';
import { VoiceGallery } from './voice-gallery.js';

/** What the features about voices share. `VoiceStore` comes from src/persistence. */
@Global()
@Module({ providers: [CurrentModel, VoiceGallery], exports: [CurrentModel, VoiceGallery] })
export class VoicesModule {}
