import { Module } from '@nestjs/common';
import { SignIn } from './sign-in.js';

/** One-time links for the page, and the sessions that they open. */
@Module({ providers: [SignIn], exports: [SignIn] })
export class SignInModule {}
