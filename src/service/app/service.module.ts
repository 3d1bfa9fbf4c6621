import { Module, type DynamicModule } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { HomeController } from './home.controller.js';
import { DocsController } from './docs.controller.js';
import { PageFiles } from './page-files.js';
import { OpenApiFile } from './openapi-file.js';
import { TimbreModule } from './timbre.module.js';

/** What `timbre serve` runs: the module that others import, and the documentation page. */
@Module({ controllers: [DocsController, HomeController], providers: [OpenApiFile, PageFiles] })
export class ServiceModule {
  static with(config: Config): DynamicModule {
    return { module: ServiceModule, imports: [TimbreModule.with(config)] };
  }
}
