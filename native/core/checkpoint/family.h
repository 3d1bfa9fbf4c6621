#pragma once

#include <cstdint>
#include <map>
#include <regex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "support/result.h"

namespace timbre::checkpoint {

/// Where one tensor of our network comes from in a checkpoint.
struct TensorSource {
  enum class Op {
    copy,     ///< as it is
    conv,     ///< [out, in, taps] to [out, taps * in], tap-major; a 2-D weight as it is
    columns,  ///< columns from first_third / 3 to last_third / 3 of [out, in] or [out, in, 1]
  };
  std::string target;  ///< our name, "blocks.0.enter.linear.weight"
  std::string source;  ///< the checkpoint's, with the family's prefix
  Op op = Op::copy;
  std::int64_t taps = 1;
  std::int64_t first_third = 0;
  std::int64_t last_third = 3;
  /// Of the target: (factor, name of the size); the factor alone, with an empty name, where no size decides it.
  std::vector<std::pair<std::int64_t, std::string>> shape;
};

/// One structure of a published family, as `family.json` of its skeleton describes it (models/timbre_models/families.py
/// writes it). Everything but the sizes, which a checkpoint decides.
struct Variant {
  std::string name;    ///< "wespeaker-glob-embbn"
  std::string family;  ///< "wespeaker"
  std::vector<std::regex> ignored;
  std::vector<TensorSource> tensors;
  std::string json;      ///< family.json
  std::string skeleton;  ///< file of the TorchScript to fill
};

/// Errors: MODEL_INVALID, for a description that this version cannot follow.
Result<Variant> parse_variant(const std::string& json, const std::string& skeleton);

/// How a checkpoint's names, types and shapes suit a variant: the same test as `read` of
/// models/timbre_models/convert.py.
struct Fit {
  std::map<std::string, std::int64_t> sizes;  ///< "width", "pooledChannels", ... as most tensors show them
  std::vector<std::string> faults;            ///< one sentence per tensor that is missing, unexpected or of wrong shape
};
Fit fit(const Checkpoint& checkpoint, const Variant& variant);

/// The variant that a checkpoint is of: that of `family` with the fewest faults, or, where `family` is empty, the one
/// without any.
///
/// Errors: INVALID_ARGUMENT for an unknown family, or where variants of several families fit (they then differ in the
/// front end alone, which no tensor shows); MODEL_INVALID, naming the faults against the nearest variant.
Result<const Variant*> recognise(const Checkpoint& checkpoint, std::span<const Variant> variants,
                                 const std::string& family);

/// A tensor of our network, row-major.
struct NetworkTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// The network's tensors from a checkpoint that fits. Errors: MODEL_INVALID, naming every tensor that is not finite.
Result<std::vector<NetworkTensor>> arrange(const Checkpoint& checkpoint, const Variant& variant);

/// Whether the checkpoint says itself that it was never trained: its batch norms have counted at most one batch.
bool is_untrained(const Checkpoint& checkpoint);

}  // namespace timbre::checkpoint
