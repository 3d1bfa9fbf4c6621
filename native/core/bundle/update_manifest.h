#pragma once

#include <map>
#include <string>

#include "bundle/manifest.h"
#include "support/result.h"

namespace timbre::bundle {

/// Writes the bundle at `path` to `out` (which may be the same file) with `facts` merged into its manifest as in
/// convert_checkpoint(), and `extras` beside it, by name, an empty one removing it. Tensors are copied byte for byte,
/// so their digest stays.
///
/// A cohort in the facts is `cohort: { speakers, dim, encoding: "float16-base64", data }`, unit vectors one after
/// another, little-endian.
///
/// Errors: MODEL_NOT_FOUND, MODEL_INVALID, INVALID_ARGUMENT, WRITE_FAILED.
Result<Manifest> update_manifest(const std::string& path, const std::string& facts, const std::string& out,
                                 const std::map<std::string, std::string>& extras = {});

}  // namespace timbre::bundle
