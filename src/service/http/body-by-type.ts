import type { OpenAPIObject } from '@nestjs/swagger';

const MARK = 'x-by-content-type';

type Schemas = Record<string, object>;

/** Nest's decorators give one schema to all content types of a call; this holds one of each until `sortBodies`. */
export function eachItsOwn(schemas: Schemas): object {
  return { [MARK]: schemas };
}

/** Gives each content type of each call its own schema. */
export function sortBodies({ paths }: OpenAPIObject): void {
  for (const path of Object.values(paths)) {
    for (const operation of Object.values(path as Record<string, { requestBody?: { content?: Schemas } }>)) {
      const content = operation.requestBody?.content ?? {};
      for (const [type, of] of Object.entries(content) as [string, { schema?: { [MARK]?: Schemas } }][]) {
        const own = of.schema?.[MARK]?.[type];
        if (own) of.schema = own;
      }
    }
  }
}
