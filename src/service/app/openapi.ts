import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { describeAccess } from '../access/describe-access.js';
import { sortBodies } from '../http/body-by-type.js';
import { packageVersion } from '../../support/package.js';

/** The API of an application that was created, as an OpenAPI document; it need not listen. */
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
