import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Server } from 'node:http';
import { listensOnLoopback } from '../access/loopback.js';
import { Config } from '../config/config.js';

/** Whether consent has to be there before the first enrolment. */
@Injectable()
export class ConsentPolicy {
  constructor(
    private readonly config: Config,
    private readonly host: HttpAdapterHost,
  ) {}

  /** `auto` asks where the service listens: on this machine alone is where people try things out. */
  get required(): boolean {
    const { consent } = this.config;
    return consent === 'required' || (consent === 'auto' && !this.onLoopback());
  }

  private onLoopback(): boolean {
    return listensOnLoopback((this.host.httpAdapter.getHttpServer() as Server).address());
  }
}
