import { applyDecorators, Controller, UseFilters, UseGuards, UseInterceptors, UsePipes } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { AccessGuard } from './access.guard.js';
import { ErrorFilter } from '../http/error.filter.js';
import { RequestInterceptor } from '../http/request.interceptor.js';
import { validationPipe } from '../http/validation.js';

/**
 * A controller of the API: access, errors, validation, deadlines and request ids are the same in this service and in any Nest
 * application that imports its module.
 */
export function ApiController(path: string, tag: string): ClassDecorator {
  return applyDecorators(
    Controller(path),
    ApiTags(tag),
    UseGuards(AccessGuard),
    UseFilters(ErrorFilter),
    UsePipes(validationPipe()),
    UseInterceptors(RequestInterceptor),
  );
}
