// Constants of what happens to headers, each changed: removals, rewriting, what is kept for the log.
// Must not: have a change that no boundary rule finds (builder-constants.test.ts tries each).

import { type Change, change } from './changed-figures.ts';

export const HEADERS: readonly Change[] = [
  change('http/headers/header-removals', "'x-forwarded-*', ", '', 'ingress', 'CLEAN_REQUESTS'),
  change('http/headers/header-removals', "'x-forwarded-*', ", '', 'egress', 'CLEAN_REQUESTS'),
  change('http/headers/header-removals', "'cf-access-*',", '', 'ingress', 'CLEAN_REQUESTS'),
  change('http/headers/header-removals', "'x-original-url',", "'x-original-url-*',", 'ingress', 'CLEAN_REQUESTS'),
  change('http/headers/header-removals', "'baggage',", '', 'egress', 'CLEAN_REQUESTS'),
  change('http/headers/header-removals', "'x-served-by',", '', 'ingress', 'CLEAN_RESPONSES'),
  change('http/headers/header-mutations', "'x-envoy-original-path',", '', 'ingress', 'CLEAN_REQUESTS'),
  change('http/headers/header-mutations', "'x-forwarded-client-cert',", '', 'egress', 'CLEAN_REQUESTS'),
  change('http/headers/header-mutations', 'KEEP_REQUEST_ID,\n', '\n', 'ingress', 'CLEAN_REQUESTS'),
  change(
    'http/headers/header-mutations',
    'GIVEN_REQUEST_ID_HEADER,\n    PEER_CLAIM_HEADER,',
    'GIVEN_REQUEST_ID_HEADER,',
    'ingress',
    'CLEAN_REQUESTS',
  ),
  change('http/headers/header-mutations', 'KEEP_PEER_CLAIM,\n', '\n', 'ingress', 'CLEAN_REQUESTS'),
  change('http/headers/header-mutations', 'REQUEST_ID(one) || ', 'REQUEST_ID(one) && ', 'ingress', 'CLEAN_REQUESTS'),
  change(
    'http/headers/request-facts',
    "REQUEST_ID = '[0-9a-f]{8}",
    "REQUEST_ID = '[0-9a-f]+",
    'ingress',
    'LOGGED_REQUEST',
  ),
  change(
    'http/headers/request-facts',
    "'x-postern-given-request-id'",
    "'x-given-request-id'",
    'ingress',
    'CLEAN_REQUESTS',
  ),
  change('http/headers/request-facts', "'%REQ(X-REQUEST-ID)%'", "'%REQ(X-ID)%'", 'ingress', 'CLEAN_REQUESTS'),
  change(
    'http/headers/request-facts',
    "AUTHORITY = 'postern.authority'",
    "AUTHORITY = 'authority'",
    'egress',
    'LOGGED_REQUEST',
  ),
  change(
    'http/headers/header-mutations',
    "families(listed('requests'))",
    "families(listed('responses'))",
    'ingress',
    'CLEAN_RESPONSES',
  ),
  change('http/headers/internal-hosts', 'MAX_VALUE = 8192', 'MAX_VALUE = 81920', 'ingress', 'CLEAN_RESPONSES'),
  change('http/headers/internal-hosts', 'MAX_HOST = 255', 'MAX_HOST = 2550', 'ingress', 'CLEAN_RESPONSES'),
  change('http/headers/internal-hosts', 'MAX_VALUES = 64', 'MAX_VALUES = 1', 'ingress', 'CLEAN_RESPONSES'),
  change('http/headers/internal-hosts', 'MAX_GROWTH = 4096', 'MAX_GROWTH = 40960', 'ingress', 'CLEAN_RESPONSES'),
  change('http/headers/internal-hosts', '("local svc internal', '("local internal', 'ingress', 'CLEAN_RESPONSES'),
  change('http/headers/internal-hosts', "refresh: 'refresh',", '', 'ingress', 'CLEAN_RESPONSES'),
  change('http/headers/internal-hosts', "regex: '\\\\C*'", "regex: '\\\\C+'", 'ingress', 'CLEAN_RESPONSES'),
  change(
    'http/headers/underscore-guard',
    'name:find("_", 1, true)',
    'name:find("__", 1, true)',
    'ingress',
    'UNDERSCORES',
  ),
  change('http/headers/header-mutations', "contains: '_'", "contains: '__'", 'egress', 'UNDERSCORES'),
];
