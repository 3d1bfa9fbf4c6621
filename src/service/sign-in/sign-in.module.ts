import { Module } from '@nestjs/common';
import { SignInController } from './sign-in.controller.js';
import { SignIn } from './sign-in.js';

/** One-time links for the page, and the sessions that they open. */
@Module({ controllers: [SignInController], providers: [SignIn], exports: [SignIn] })
export class SignInModule {}
