import { access } from "./access.ts";
import { client } from "./client.ts";
import { configuration } from "./configuration.ts";
import type { Document } from "./document.ts";
import { errors } from "./errors.ts";
import { examples, openapi } from "./openapi.ts";

export const documents: readonly Document[] = [access, configuration, errors, openapi, examples, ...client];
