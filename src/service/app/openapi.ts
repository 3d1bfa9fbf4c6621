import { Injectable, type INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { describeAccess } from '../access/describe-access.js';
import { sortBodies } from '../http/body-by-type.js';
import { packageVersion } from '../../support/package.js';

/** The API as an OpenAPI document, made on first use. */
@Injectable()
export class OpenApi {
  private made: OpenAPIObject | undefined;
  private app: INestApplication | undefined;

  /** Says which application is described. */
  of(app: INestApplication): void {
    this.app = app;
  }

  document(): OpenAPIObject {
    if (!this.app) throw new Error('OpenApi.of() was not called');
    return (this.made ??= describeApi(this.app));
  }
}

/** The document of an application that was created; it need not listen. */
export function describeApi(app: INestApplication): OpenAPIObject {
  const info = new DocumentBuilder()
    .setTitle('Timbre')
    .setDescription('Speaker recognition: enrol speakers, verify claims, identify voices, embed recordings.')
    .setVersion(packageVersion())
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'tmb_...', description: 'An API key.' }, 'bearer')
    .addApiKey({ type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'The same.' }, 'apiKey')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .build();
  const document = SwaggerModule.createDocument(app, info);
  sortBodies(document);
  describeAccess(document);
  return document;
}
