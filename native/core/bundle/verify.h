#pragma once

#include <string>
#include <vector>

#include "bundle/code_trust.h"
#include "bundle/manifest.h"
#include "bundle/model.h"
#include "bundle/segmentation_model.h"
#include "support/result.h"

namespace timbre::bundle {

/// One synthetic recording, embedded here and at conversion.
struct VerifyCase {
  std::string name;
  double seconds = 0;
  double relative_error = 0;    ///< |here - stored| / |stored|
  double one_minus_cosine = 0;  ///< of here and stored
  bool passed = false;
};

struct VerifyReport {
  Manifest manifest;
  std::string device;       ///< "cpu", "cuda:0"
  std::string device_note;  ///< why it is not the one that was preferred
  std::string precision;    ///< what its products multiply in: "fp32", "bf16", "int8"
  double max_relative_error = 0;
  double max_one_minus_cosine = 0;
  double network_ms = 0;  ///< of an utterance of 3 s through the network alone, the fastest of some; 0 unless
                          ///< verify_bundle() embeds with it
  std::vector<VerifyCase> cases;
  bool passed = false;  ///< every case lies within both bounds
};

/// Embeds the recordings whose embeddings were stored in the bundle when it was made, waveform to vector, and compares.
/// Of a segmentation network it is the probabilities of one window for each recording.
/// precision: as load_torch_model() takes it; empty for that of the weights.
/// Bounds are those of rounding in fp32; where it is bf16 a cosine of 0.9997; of an int8 bundle, whose stored
/// embeddings are those of its weights in fp32, one of 0.995.
///
/// Errors: MODEL_NOT_FOUND; MODEL_INVALID, also where the weights do not match their digest or the bundle holds no
/// stored vectors; MODEL_UNTRUSTED, DEVICE_UNAVAILABLE, OUT_OF_MEMORY, INVALID_ARGUMENT.
Result<VerifyReport> verify_bundle(const std::string& path, const std::string& device, const CodeTrust& trust,
                                   const std::string& precision = "");

/// As verify_bundle(), of a model that is loaded. Errors: MODEL_INVALID without stored vectors, those of the model.
Result<VerifyReport> verify_model(const Model& model);

/// The same of a segmentation network, always on the CPU.
Result<VerifyReport> verify_model(const SegmentationModel& model);

/// The manifest's `verification`, as JSON: a few synthetic recordings by formula, and what the model makes of them.
/// Errors: as of the front end and the model.
Result<std::string> verification_vectors(const Model& model);
Result<std::string> verification_vectors(const SegmentationModel& model);

}  // namespace timbre::bundle
