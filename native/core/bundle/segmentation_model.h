#pragma once

#include <memory>
#include <string>

#include "bundle/code_trust.h"
#include "bundle/manifest.h"
#include "conversation/segmentation_network.h"
#include "support/result.h"

namespace timbre::bundle {

/// A loaded segmentation network and what its bundle says. Immutable: workers share one.
struct SegmentationModel {
  Manifest manifest;
  std::shared_ptr<const conversation::SegmentationNetwork> network;
};

/// Loads a bundle, checks its manifest and the digest of its weights, and compares what the network gives of a trial
/// window with what the bundle's own code does. On the CPU.
/// Errors: MODEL_NOT_FOUND; MODEL_INVALID, also for a bundle that embeds; MODEL_UNTRUSTED, OUT_OF_MEMORY.
Result<SegmentationModel> load_segmentation_model(const std::string& path, const CodeTrust& trust);

}  // namespace timbre::bundle
