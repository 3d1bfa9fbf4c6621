#pragma once

#include <string>

#include "bundle/code_trust.h"
#include "bundle/manifest.h"
#include "support/result.h"

namespace timbre::checkpoint {

struct ConvertRequest {
  std::string checkpoint;   ///< file of torch.save or of safetensors, or a bundle in fp32
  std::string family;       ///< "speechbrain", ... ; empty: recognised from the tensors' names
  bundle::CodeTrust trust;  ///< the skeletons that are filled, and whether a bundle may bring code of its own
  std::string out;          ///< the bundle's file; an older one is replaced
  std::string id;
  std::string version = "1";
  std::string facts;               ///< JSON object merged into the manifest, see below; empty: none
  std::string precision = "fp32";  ///< "int8": the large layers multiply in int8 where the processor is faster that way
  std::string storage = "fp32";  ///< "fp16": weight matrices take half the space, and are widened when they are loaded
  /// "cut": by default_pauses(); "keep": all of them; empty: "cut" for a checkpoint, and for a bundle what it says
  /// itself.
  std::string pauses;
};

/// A published or re-trained checkpoint to one bundle file. Sizes (channels, attention, embedding, ...) come from the
/// tensors' shapes; every tensor has to be there, of a fitting shape and finite, and none may be left over.
///
/// A bundle is taken with everything in it; only id, version, precision, storage and, where asked for, pauses become
/// those of the request, and `source.bundle` says what it was made of.
///
/// Nothing of a checkpoint's is executed. The bundle is complete or not there: it is written beside `out`, synced and
/// renamed.
///
/// `facts` are merged into the manifest as RFC 7386 does it: `licence`, `source: { url, revision, sha256 }`,
/// `evaluation`, ... The fields that describe the tensors (format, family, variant, precision, storage, embedding,
/// input, frontEnd, network, pauses, weightsDigest, verification) are the converter's own. Without a fact `trained`, a
/// checkpoint whose batch norms have seen at most one batch is untrained.
///
/// The vectors that verify_bundle() repeats are always those of the checkpoint's own weights in fp32.
///
/// Errors: MODEL_NOT_FOUND; MODEL_INVALID, naming every tensor at fault, or where int8 moves an embedding further than
/// verify_bundle() lets it; INVALID_ARGUMENT (unknown family, two families that fit, an id or facts that are not
/// valid); WRITE_FAILED; OUT_OF_MEMORY.
Result<bundle::Manifest> convert_checkpoint(const ConvertRequest& request);

}  // namespace timbre::checkpoint
