#pragma once

#include <string>

#include "support/result.h"

namespace timbre::bundle {

/// A manifest with facts merged into it as RFC 7386 does it; `facts` may be empty.
///
/// Errors: INVALID_ARGUMENT for facts that are no JSON object, or that touch what describes the tensors; MODEL_INVALID
/// where the manifest is no JSON object.
Result<std::string> merge_facts(const std::string& manifest, const std::string& facts);

}  // namespace timbre::bundle
