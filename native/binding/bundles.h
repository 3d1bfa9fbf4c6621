#pragma once

#include <napi.h>

namespace timbre {

/// For JS, each a promise but the last; what they take and give is in src/addon/binding.ts.
///   convertCheckpoint({ checkpoint, family, skeletons, out, id, version, facts, precision, storage }), the manifest's
///   text readManifest(path), the manifest's text updateManifest(path, facts, out), the manifest's text
///   verifyBundle(path, device)
///   runtimeInfo()
void define_bundles(Napi::Env env, Napi::Object exports);

}  // namespace timbre
