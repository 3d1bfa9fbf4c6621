#include "checkpoint/family.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "support/text.h"

namespace timbre::checkpoint {

namespace {

constexpr int kFormat = 1;
constexpr std::size_t kShownFaults = 8;
constexpr std::string_view kCounter = ".num_batches_tracked";

/// Networks that people have checkpoints of and that are of no family here, by a tensor that each has and no family.
struct Unsupported {
  std::string_view name;
  std::string_view tensor;
};
constexpr std::array<Unsupported, 4> kUnsupported = {{{"ERes2Net", "fuse_mode12.local_att.0.weight"},
                                                      {"ERes2NetV2", "fuse34.local_att.0.weight"},
                                                      {"Res2Net", "layer1.0.convs.0.weight"},
                                                      {"ResNet", "layer1.0.conv1.weight"}}};

Error invalid(std::string message) { return Error{ErrorCode::MODEL_INVALID, std::move(message)}; }

using Tensors = std::map<std::string_view, const CheckpointTensor*>;

Tensors by_name(const Checkpoint& checkpoint) {
  Tensors tensors;
  for (const CheckpointTensor& tensor : checkpoint.tensors()) {
    tensors.emplace(tensor.name, &tensor);
  }
  return tensors;
}

bool is_ignored(const Variant& variant, const std::string& name) {
  return std::ranges::any_of(variant.ignored, [&](const auto& pattern) { return std::regex_match(name, pattern); });
}

/// A tensor's shape in our layout, or why it has none.
Result<std::vector<std::int64_t>> arranged_shape(const CheckpointTensor& tensor, const TensorSource& source) {
  std::vector<std::int64_t> shape = tensor.shape;
  if (!archive::is_floating(tensor.type)) {
    return invalid(std::string(archive::name(tensor.type)) + " where numbers with a fraction belong");
  }
  if (source.op == TensorSource::Op::conv && shape.size() == 3) {
    if (shape[2] != source.taps) {
      return invalid("a kernel of " + std::to_string(shape[2]) + " where one of " + std::to_string(source.taps) +
                     " belongs");
    }
    shape = {shape[0], shape[1] * shape[2]};
  }
  if (source.op == TensorSource::Op::columns) {
    const std::int64_t columns = shape.size() == 3 ? shape[1] * shape[2] : shape.size() == 2 ? shape[1] : -1;
    if (columns < 0 || columns % 3 != 0) {
      return invalid("no three equal parts of columns");
    }
    shape = {shape[0], columns / 3 * (source.last_third - source.first_third)};
  }
  if (shape.size() != source.shape.size()) {
    return invalid(std::to_string(shape.size()) + " dimensions where " + std::to_string(source.shape.size()) +
                   " belong");
  }
  return shape;
}

/// [out, in, taps] to [out, taps, in].
void put_taps_first(std::vector<float>& values, std::int64_t out, std::int64_t in, std::int64_t taps) {
  if (taps == 1) {
    return;
  }
  std::vector<float> moved(values.size());
  auto to = moved.begin();
  for (std::int64_t row = 0; row < out; ++row) {
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      for (std::int64_t column = 0; column < in; ++column) {
        *to++ = values[static_cast<std::size_t>((row * in + column) * taps + tap)];
      }
    }
  }
  values = std::move(moved);
}

/// Columns [first, last) of rows of `width`.
void keep_columns(std::vector<float>& values, std::int64_t width, std::int64_t first, std::int64_t last) {
  auto to = values.begin();
  for (auto row = values.begin(); row < values.end(); row += width) {
    to = std::copy(row + first, row + last, to);
  }
  values.erase(to, values.end());
}

std::string list(std::span<const std::string> faults) {
  std::string text;
  for (const std::string& fault : faults.first(std::min(faults.size(), kShownFaults))) {
    text += (text.empty() ? "" : "; ") + fault;
  }
  return text + (faults.size() > kShownFaults ? "; and " + std::to_string(faults.size() - kShownFaults) + " more" : "");
}

std::string families(std::span<const Variant> variants) {
  std::set<std::string> names;
  for (const Variant& variant : variants) {
    names.insert(variant.family);
  }
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

/// How far a checkpoint is from a variant that it does not fit.
Error explain(const Checkpoint& checkpoint, std::span<const Variant> variants, const Variant& nearest,
              const std::vector<std::string>& faults, const std::string& family) {
  const Tensors given = by_name(checkpoint);
  const auto known =
      std::ranges::find_if(kUnsupported, [&](const Unsupported& one) { return given.contains(one.tensor); });
  if (known != kUnsupported.end()) {
    return invalid("it is a checkpoint of " + std::string(known->name) + " (it has a tensor " + quote(known->tensor) +
                   "), which is not supported: there are " + families(variants));
  }
  const bool stranger =
      std::ranges::none_of(nearest.tensors, [&](const TensorSource& tensor) { return given.contains(tensor.source); });
  if (stranger && family.empty()) {
    const std::string first = given.empty() ? "none at all" : "the first is " + quote(checkpoint.tensors()[0].name);
    return invalid("its tensors (" + first + ") are of no family known here (" + families(variants) +
                   "): it is of another architecture");
  }
  return invalid("it is no " + nearest.name + " checkpoint: " + list(faults));
}

}  // namespace

Result<Variant> parse_variant(const std::string& json, const std::string& skeleton) {
  const auto root = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  const auto refuse = [&](const std::string& what) {
    return invalid("the skeleton " + quote(skeleton) + " cannot be used: its family.json " + what +
                   "; install timbre-voice again");
  };
  // The file is this project's own, so one sentence serves whatever is wrong with it.
  try {
    if (!root.is_object() || root.at("format") != kFormat) {
      return refuse("is not of format " + std::to_string(kFormat));
    }
    Variant variant{root.at("variant"), root.at("family"), {}, {}, json, skeleton};
    for (const auto& pattern : root.at("ignored")) {
      variant.ignored.emplace_back(pattern.get<std::string>());
    }
    const auto prefix = root.at("prefix").get<std::string>();
    for (const auto& row : root.at("tensors")) {
      TensorSource source;
      row.at("target").get_to(source.target);
      source.source = prefix + row.at("source").get<std::string>();
      const auto op = row.at("op").get<std::string>();
      if (op == "conv") {
        source.op = TensorSource::Op::conv;
        source.taps = row.at("taps");
      } else if (op == "columns") {
        source.op = TensorSource::Op::columns;
        source.first_third = row.at("third").at(0);
        source.last_third = row.at("third").at(1);
      } else if (op != "copy") {
        return refuse("asks for the operation " + quote(op));
      }
      row.at("shape").get_to(source.shape);
      variant.tensors.push_back(std::move(source));
    }
    return variant;
  } catch (const std::exception& error) {
    return refuse(std::string("is not valid (") + error.what() + ")");
  }
}

Fit fit(const Checkpoint& checkpoint, const Variant& variant) {
  const Tensors given = by_name(checkpoint);
  std::set<std::string_view> known;
  for (const TensorSource& source : variant.tensors) {
    known.insert(source.source);
  }
  Fit found;
  for (const std::string_view name : known) {
    if (!given.contains(name)) {
      found.faults.push_back("missing tensor " + quote(name));
    }
  }
  for (const auto& [name, tensor] : given) {
    if (!known.contains(name) && !is_ignored(variant, std::string(name))) {
      found.faults.push_back("unexpected tensor " + quote(name));
    }
  }
  struct Shown {
    const CheckpointTensor* tensor;
    const std::string* size;
    std::int64_t dimension;
    std::int64_t factor;
    double value() const { return static_cast<double>(dimension) / static_cast<double>(factor); }
  };
  std::vector<Shown> shown;
  for (const TensorSource& source : variant.tensors) {
    const auto tensor = given.find(source.source);
    if (tensor == given.end()) {
      continue;
    }
    const auto shape = arranged_shape(*tensor->second, source);
    if (!shape) {
      found.faults.push_back("tensor " + quote(source.source) + " of shape " + describe_shape(tensor->second->shape) +
                             ": " + shape.error().message);
      continue;
    }
    for (std::size_t i = 0; i < shape.value().size(); ++i) {
      const auto& [factor, size] = source.shape[i];
      if (!size.empty()) {
        shown.push_back({tensor->second, &size, shape.value()[i], factor});
      } else if (shape.value()[i] != factor) {
        found.faults.push_back("tensor " + quote(source.source) + " of shape " + describe_shape(tensor->second->shape) +
                               ": " + std::to_string(shape.value()[i]) + " where " + std::to_string(factor) +
                               " belongs");
      }
    }
  }
  // What most tensors show is the size; the others are at fault.
  std::map<std::string, std::map<double, std::size_t>> votes;
  for (const Shown& one : shown) {
    ++votes[*one.size][one.value()];
  }
  std::map<std::string, std::size_t> most;
  for (const Shown& one : shown) {
    std::size_t& best = most[*one.size];
    if (const std::size_t count = votes[*one.size][one.value()]; count > best) {
      best = count;
      found.sizes[*one.size] = one.dimension / one.factor;
    }
  }
  std::set<std::string> said;
  for (const Shown& one : shown) {
    const std::int64_t size = found.sizes[*one.size];
    // Divided, not multiplied: a tensor without elements may claim any dimension.
    if (size > 0 && one.dimension % one.factor == 0 && one.dimension / one.factor == size) {
      continue;
    }
    std::string fault = "tensor " + quote(one.tensor->name) + " of shape " + describe_shape(one.tensor->shape) + ": " +
                        *one.size + " is " + std::to_string(size) + " elsewhere";
    if (said.insert(fault).second) {
      found.faults.push_back(std::move(fault));
    }
  }
  return found;
}

Result<const Variant*> recognise(const Checkpoint& checkpoint, std::span<const Variant> variants,
                                 const std::string& family) {
  const Variant* nearest = nullptr;
  std::vector<std::string> faults;
  std::vector<const Variant*> fitting;
  for (const Variant& variant : variants) {
    if (!family.empty() && variant.family != family) {
      continue;
    }
    Fit found = fit(checkpoint, variant);
    if (found.faults.empty()) {
      fitting.push_back(&variant);
    }
    if (nearest == nullptr || found.faults.size() < faults.size()) {
      nearest = &variant;
      faults = std::move(found.faults);
    }
  }
  if (nearest == nullptr) {
    return Error{ErrorCode::INVALID_ARGUMENT, "there is no family " + quote(family) + ", but " + families(variants)};
  }
  if (fitting.empty()) {
    return explain(checkpoint, variants, *nearest, faults, family);
  }
  const auto of_another =
      std::ranges::find_if(fitting, [&](const Variant* variant) { return variant->family != fitting.front()->family; });
  if (of_another != fitting.end()) {
    std::string names;
    for (const Variant* variant : fitting) {
      names += (names.empty() ? "" : " and ") + variant->family;
    }
    return Error{ErrorCode::INVALID_ARGUMENT,
                 "its tensors fit " + names +
                     ", whose networks are the same and whose features are not: say which with --family, for with the "
                     "wrong features every score is wrong"};
  }
  return fitting.front();
}

Result<std::vector<NetworkTensor>> arrange(const Checkpoint& checkpoint, const Variant& variant) {
  const Tensors given = by_name(checkpoint);
  std::vector<NetworkTensor> tensors;
  std::vector<std::string> faults;
  for (const TensorSource& source : variant.tensors) {
    const auto found = given.find(source.source);
    if (found == given.end()) {
      return invalid("missing tensor " + quote(source.source));
    }
    const CheckpointTensor& tensor = *found->second;
    auto shape = arranged_shape(tensor, source);
    if (!shape) {
      return invalid("tensor " + quote(source.source) + ": " + shape.error().message);
    }
    auto read = checkpoint.read(tensor);
    if (!read) {
      if (read.error().code != ErrorCode::MODEL_INVALID) {
        return std::move(read).error();
      }
      if (std::ranges::find(faults, read.error().message) == faults.end()) {
        faults.push_back(std::move(read).error().message);
      }
      continue;
    }
    std::vector<float> values = std::move(read).value();
    if (source.op == TensorSource::Op::conv && tensor.shape.size() == 3) {
      put_taps_first(values, tensor.shape[0], tensor.shape[1], tensor.shape[2]);
    } else if (source.op == TensorSource::Op::columns && !values.empty()) {
      const std::int64_t width = tensor.elements() / tensor.shape[0];
      keep_columns(values, width, width / 3 * source.first_third, width / 3 * source.last_third);
    }
    tensors.push_back({source.target, std::move(shape).value(), std::move(values)});
  }
  if (!faults.empty()) {
    return invalid(list(faults));
  }
  return tensors;
}

bool is_untrained(const Checkpoint& checkpoint) {
  bool counted = false;
  for (const CheckpointTensor& tensor : checkpoint.tensors()) {
    if (!tensor.name.ends_with(kCounter)) {
      continue;
    }
    const auto batches = checkpoint.read_integer(tensor);
    if (!batches || batches.value() > 1) {
      return false;
    }
    counted = true;
  }
  return counted;
}

}  // namespace timbre::checkpoint
