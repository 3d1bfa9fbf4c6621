import { Module } from '@nestjs/common';
import { DataKeysController } from './data-keys.controller.js';

/** `DataKeys` comes from src/persistence. */
@Module({ controllers: [DataKeysController] })
export class DataKeysModule {}
