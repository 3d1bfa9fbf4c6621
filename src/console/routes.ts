import { lazy, type ComponentType } from 'react';
import {
  AudioLines,
  BadgeCheck,
  Boxes,
  ChartSpline,
  House,
  Mic,
  ScanSearch,
  Settings2,
  Users,
  type LucideIcon,
} from 'lucide-react';
import type { Scope } from './api/context.js';
import type { Messages } from './i18n/index.js';

/** One section of the page, as the navigation shows it. */
export interface Section {
  name: keyof Messages['nav']['sections'];
  /** Of the section's first page. */
  path: string;
  icon: LucideIcon;
  /** Without it the section is not offered. */
  scope: Scope;
}

export const SECTIONS: readonly Section[] = [
  { name: 'home', path: '/', icon: House, scope: 'read' },
  { name: 'people', path: '/people', icon: Users, scope: 'read' },
  { name: 'groups', path: '/groups', icon: Boxes, scope: 'read' },
  { name: 'enrol', path: '/enrol', icon: Mic, scope: 'enrol' },
  { name: 'verify', path: '/verify', icon: BadgeCheck, scope: 'read' },
  { name: 'identify', path: '/identify', icon: ScanSearch, scope: 'read' },
  { name: 'conversations', path: '/conversations', icon: AudioLines, scope: 'read' },
  { name: 'accuracy', path: '/accuracy', icon: ChartSpline, scope: 'read' },
  { name: 'operations', path: '/operations', icon: Settings2, scope: 'read' },
];

/** Pages by the pattern of their address, each in a file of its own that is loaded when it is opened. */
export const PAGES: readonly (readonly [pattern: string, page: ComponentType])[] = [
  ['/', lazy(() => import('./pages/welcome/welcome-page.js'))],
  ['/people', lazy(() => import('./pages/people/people-page.js'))],
  ['/people/:id', lazy(() => import('./pages/people/person-page.js'))],
  ['/groups', lazy(() => import('./pages/groups/groups-page.js'))],
  ['/groups/:id', lazy(() => import('./pages/groups/group-page.js'))],
  ['/enrol', lazy(() => import('./pages/enrol/enrol-page.js'))],
  ['/enrol/:id', lazy(() => import('./pages/enrol/enrol-page.js'))],
  ['/verify', lazy(() => import('./pages/verify/verify-page.js'))],
  ['/verify/:id', lazy(() => import('./pages/verify/verify-page.js'))],
  ['/identify', lazy(() => import('./pages/identify/identify-page.js'))],
  ['/conversations', lazy(() => import('./pages/conversations/conversations-page.js'))],
  ['/conversations/*', lazy(() => import('./pages/conversations/conversations-page.js'))],
  ['/unknown-voices', lazy(() => import('./pages/unknown-voices/inbox-page.js'))],
  ['/unknown-voices/:id', lazy(() => import('./pages/unknown-voices/voice-page.js'))],
  ['/accuracy', lazy(() => import('./pages/accuracy/accuracy-page.js'))],
  ['/operations', lazy(() => import('./pages/operations/operations-page.js'))],
  ['/operations/*', lazy(() => import('./pages/operations/operations-page.js'))],
];
