// Formats: PyTorch's torch/serialization.py (_save, _load); the safetensors README, "Format".
#include "checkpoint/checkpoint.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "archive/zip_archive.h"
#include "support/text.h"

namespace timbre::checkpoint {

namespace {

constexpr std::uint64_t kMaxPickleBytes = 4U << 20;
constexpr std::uint64_t kMaxHeaderBytes = 4U << 20;
constexpr std::size_t kMaxNameBytes = 512;
constexpr int kMaxNesting = 4;
constexpr std::string_view kZipMagic = "PK\x03\x04";
/// A pickle of the number that torch.save wrote first before 1.6.
constexpr std::string_view kLegacyMagic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

/// Where training programs put the tensors of a network, the likeliest first.
constexpr std::array<std::string_view, 10> kUsualKeys = {
    "state_dict", "model_state_dict", "model",           "embedding_model", "network",
    "net",        "encoder",          "speaker_encoder", "module",          "weights"};

Error invalid(std::string message) { return Error{ErrorCode::MODEL_INVALID, std::move(message)}; }

std::optional<std::int64_t> multiply(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::nullopt : std::optional(product);
}

/// Nothing for a shape whose product overflows, be it only that of its sizes above zero.
std::optional<std::int64_t> count_elements(std::span<const std::int64_t> shape) {
  std::optional<std::int64_t> count = 1;
  for (const std::int64_t size : shape) {
    if (size < 0) return std::nullopt;
    count = multiply(*count, std::max<std::int64_t>(size, 1));
    if (!count) return std::nullopt;
  }
  return std::find(shape.begin(), shape.end(), 0) == shape.end() ? count : 0;
}

/// Elements from the first to the last that a view touches, both included; nothing for a view that makes no sense.
std::optional<std::int64_t> extent(std::span<const std::int64_t> shape, std::span<const std::int64_t> strides) {
  std::int64_t last = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0) {
      return 0;
    }
    if (shape[i] == 1) {
      continue;  // the stride of a step never taken may be anything
    }
    const auto reach = multiply(shape[i] - 1, strides[i]);
    if (strides[i] < 0 || !reach || __builtin_add_overflow(last, *reach, &last)) {
      return std::nullopt;
    }
  }
  return last + 1;
}

std::vector<std::int64_t> row_major(std::span<const std::int64_t> shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) {
    strides[i - 1] = strides[i] * std::max<std::int64_t>(shape[i], 1);
  }
  return strides;
}

/// IEEE 754 binary16.
float half_to_float(std::uint16_t half) {
  const int exponent = (half >> 10) & 0x1f;
  const int fraction = half & 0x3ff;
  float magnitude = 0;
  if (exponent == 0x1f) {
    magnitude = fraction == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    magnitude = std::ldexp(static_cast<float>(fraction | 0x400), exponent - 25);
  }
  return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

template <typename T>
T load(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

float to_float(archive::ElementType type, const char* bytes) {
  switch (type) {
    case archive::ElementType::float64:
      return static_cast<float>(load<double>(bytes));
    case archive::ElementType::float16:
      return half_to_float(load<std::uint16_t>(bytes));
    case archive::ElementType::bfloat16:
      return std::bit_cast<float>(static_cast<std::uint32_t>(load<std::uint16_t>(bytes)) << 16);
    default:
      return load<float>(bytes);
  }
}

Status check_name(std::string_view name) {
  const bool control = std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (name.empty() || name.size() > kMaxNameBytes || control) {
    return invalid("a tensor is called " + quote(name) + ", which is no name");
  }
  return ok();
}

/// Tensors that alias one another could ask for far more memory than the file has bytes.
Status check_total(std::span<const CheckpointTensor> tensors, std::uint64_t file_bytes) {
  std::uint64_t total = 0;
  for (const CheckpointTensor& tensor : tensors) {
    total += static_cast<std::uint64_t>(tensor.elements()) * archive::bytes_of(tensor.type);
    if (total > file_bytes) {
      return invalid(
          "its tensors take more bytes than the file has, so several share one storage: save it again with "
          "{name: tensor.clone() for name, tensor in state_dict.items()}");
    }
  }
  return ok();
}

std::string join(std::span<const std::string> names) {
  std::string text;
  for (const std::string& name : names.first(std::min<std::size_t>(names.size(), 5))) {
    text += (text.empty() ? "" : ", ") + quote(name);
  }
  return text + (names.size() > 5 ? " and " + std::to_string(names.size() - 5) + " more" : "");
}

/// What a reader finds in a file.
struct Contents {
  archive::ByteSource source;
  std::vector<CheckpointTensor> tensors;
  std::vector<std::string> notes;
};

/// The archive of torch.save: <root>/data.pkl describes the tensors, <root>/data/<key> holds their bytes.
class TorchReader {
 public:
  static Result<Contents> read(archive::ByteSource source) {
    auto opened = archive::ZipArchive::open(std::move(source));
    if (!opened) {
      return std::move(opened).error();
    }
    archive::ZipArchive archive = std::move(opened).value();
    auto root = find_root(archive);
    if (!root) {
      return std::move(root).error();
    }
    auto bytes = archive.read(root.value() + "data.pkl", kMaxPickleBytes);
    if (!bytes) {
      return std::move(bytes).error();
    }
    auto pickle = archive::unpickle(bytes.value());
    if (!pickle) {
      return std::move(pickle).error();
    }
    TorchReader reader(archive, root.value(), pickle.value());
    if (auto status = reader.run(); !status) {
      return std::move(status).error();
    }
    return Contents{std::move(archive).take_source(), std::move(reader.tensors_), std::move(reader.notes_)};
  }

 private:
  TorchReader(const archive::ZipArchive& archive, const std::string& root, const archive::Pickle& pickle)
      : archive_(archive), root_(root), pickle_(pickle) {}

  /// "archive/"
  static Result<std::string> find_root(const archive::ZipArchive& archive) {
    constexpr std::string_view kPickle = "/data.pkl";
    for (const auto& [name, member] : archive.members()) {
      if (!name.ends_with(kPickle) || name.find('/') != name.size() - kPickle.size()) {
        continue;
      }
      std::string root = name.substr(0, name.size() - kPickle.size() + 1);
      if (archive.find(root + "constants.pkl") != nullptr) {
        return invalid(archive.find(root + "extra/manifest.json") != nullptr
                           ? "it is a bundle already: use it as it is"
                           : "it is a TorchScript program, not a checkpoint: save its tensors with "
                             "torch.save(torch.jit.load('file.pt').state_dict(), 'file.ckpt')");
      }
      if (archive.find(root + "byteorder") != nullptr) {
        auto order = archive.read(root + "byteorder", 16);
        if (!order || order.value() != "little") {
          return !order ? std::move(order).error()
                        : invalid("it was saved on a big-endian machine: load and save it on a little-endian one");
        }
      }
      return root;
    }
    return invalid("it is a zip archive without data.pkl, so no checkpoint of torch.save");
  }

  Status run() {
    std::string trail;
    std::uint32_t place = pickle_.root;
    for (int depth = 0; depth < kMaxNesting; ++depth) {
      const archive::PickleValue& value = pickle_.values[place];
      if (value.kind != archive::PickleValue::Kind::dictionary) {
        break;
      }
      if (holds_tensors(value)) {
        if (!trail.empty()) {
          notes_.push_back("took the tensors under " + quote(trail));
        }
        return take(value);
      }
      auto next = enter(value);
      if (!next) {
        return std::move(next).error();
      }
      if (next.value().second == 0) {
        break;
      }
      trail += (trail.empty() ? "" : ".") + std::string(next.value().first);
      place = next.value().second;
    }
    return invalid(
        "it holds no dictionary of tensors: save the network's with torch.save(model.state_dict(), 'file.ckpt')");
  }

  bool holds_tensors(const archive::PickleValue& dictionary) const {
    for (std::size_t i = 1; i < dictionary.items.size(); i += 2) {
      if (pickle_.values[dictionary.items[i]].kind == archive::PickleValue::Kind::tensor) {
        return true;
      }
    }
    return false;
  }

  /// The key and value to look into: of the dictionaries that hold tensors themselves, else of all, the one with the
  /// likeliest key. No value: there is none.
  Result<std::pair<std::string_view, std::uint32_t>> enter(const archive::PickleValue& dictionary) {
    std::vector<std::pair<std::string_view, std::uint32_t>> full;
    std::vector<std::pair<std::string_view, std::uint32_t>> other;
    for (std::size_t i = 0; i + 1 < dictionary.items.size(); i += 2) {
      const archive::PickleValue& key = pickle_.values[dictionary.items[i]];
      const archive::PickleValue& value = pickle_.values[dictionary.items[i + 1]];
      if (key.kind == archive::PickleValue::Kind::string && value.kind == archive::PickleValue::Kind::dictionary) {
        // One dictionary may stand under many keys; looking into each is bounded by looking into few.
        if (full.size() + other.size() == 64) {
          break;
        }
        (holds_tensors(value) ? full : other).emplace_back(key.text, dictionary.items[i + 1]);
      }
    }
    const auto& candidates = full.empty() ? other : full;
    for (const std::string_view usual : kUsualKeys) {
      const auto found = std::find_if(candidates.begin(), candidates.end(), [&](auto& c) { return c.first == usual; });
      if (found != candidates.end()) {
        leave_out(full, usual);
        return *found;
      }
    }
    if (full.size() == 1) {
      return full.front();
    }
    if (!full.empty()) {
      std::vector<std::string> keys;
      std::transform(full.begin(), full.end(), std::back_inserter(keys), [](auto& c) { return std::string(c.first); });
      return invalid("it holds several dictionaries of tensors (" + join(keys) +
                     ") and none under a usual key: save the network's alone with "
                     "torch.save(checkpoint['key'], 'file.ckpt')");
    }
    return std::pair<std::string_view, std::uint32_t>{};
  }

  void leave_out(std::span<const std::pair<std::string_view, std::uint32_t>> full, std::string_view taken) {
    std::vector<std::string> left;
    for (const auto& [key, value] : full) {
      if (key != taken) {
        left.emplace_back(key);
      }
    }
    if (!left.empty()) {
      notes_.push_back("left out the tensors under " + join(left));
    }
  }

  Status take(const archive::PickleValue& dictionary) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i + 1 < dictionary.items.size(); i += 2) {
      const archive::PickleValue& key = pickle_.values[dictionary.items[i]];
      const archive::PickleValue& value = pickle_.values[dictionary.items[i + 1]];
      if (key.kind != archive::PickleValue::Kind::string || value.kind != archive::PickleValue::Kind::tensor) {
        continue;
      }
      if (auto status = check_name(key.text); !status) {
        return status;
      }
      if (!names.insert(key.text).second) {
        return invalid("it holds tensor " + quote(key.text) + " twice");
      }
      if (auto status = add(key.text, pickle_.tensors[static_cast<std::size_t>(value.integer)]); !status) {
        return status;
      }
    }
    if (auto status = check_total(tensors_, archive_.source().size()); !status) {
      return status;
    }
    for (const auto& [member, offset] : storages_) {
      if (auto status = archive_.verify(member); !status) {
        return status;
      }
    }
    return ok();
  }

  Status add(std::string_view name, const archive::StoredTensor& stored) {
    const std::string member = root_ + "data/" + std::string(stored.storage);
    auto begin = storages_.find(member);
    if (begin == storages_.end()) {
      auto located = archive_.locate(member);
      if (!located) {
        return std::move(located).error();
      }
      begin = storages_.emplace(member, located.value()).first;
    }
    const std::size_t width = archive::bytes_of(stored.type);
    const std::uint64_t available = archive_.find(member)->size / width;
    const auto count = count_elements(stored.shape);
    const auto reach = extent(stored.shape, stored.strides);
    if (!count || !reach || stored.offset < 0 || *count > *reach ||
        static_cast<std::uint64_t>(stored.offset) > available ||
        static_cast<std::uint64_t>(*reach) > available - static_cast<std::uint64_t>(stored.offset) ||
        stored.storage_elements < 0 || static_cast<std::uint64_t>(stored.storage_elements) != available) {
      return invalid("tensor " + quote(name) + " of shape " + describe_shape(stored.shape) +
                     " does not fit its storage of " + std::to_string(available) + " elements");
    }
    std::vector<std::int64_t> strides = row_major(stored.shape);
    for (std::size_t d = 0; d < strides.size(); ++d) {
      strides[d] = stored.shape[d] == 1 ? strides[d] : stored.strides[d];
    }
    tensors_.push_back({std::string(name), stored.type, stored.shape, std::move(strides),
                        begin->second + static_cast<std::uint64_t>(stored.offset) * width});
    return ok();
  }

  const archive::ZipArchive& archive_;
  const std::string& root_;
  const archive::Pickle& pickle_;
  std::map<std::string, std::uint64_t> storages_;  ///< by member: where its bytes begin
  std::vector<CheckpointTensor> tensors_;
  std::vector<std::string> notes_;
};

/// 8 bytes of header length, a JSON header, the tensors' bytes.
class SafetensorsReader {
 public:
  static bool recognises(std::string_view head, std::uint64_t file_bytes) {
    archive::LittleEndianReader reader(head);
    const auto header_bytes = reader.take<std::uint64_t>();
    return reader.take(1) == "{" && header_bytes <= file_bytes - 8;
  }

  static Result<Contents> read(archive::ByteSource source) {
    std::uint64_t header_bytes = 0;
    if (auto status = source.read(0, {reinterpret_cast<char*>(&header_bytes), sizeof(header_bytes)}); !status) {
      return std::move(status).error();
    }
    if (header_bytes > kMaxHeaderBytes) {
      return invalid("its safetensors header of " + std::to_string(header_bytes) + " bytes is over the limit of " +
                     std::to_string(kMaxHeaderBytes));
    }
    std::string text(header_bytes, '\0');
    if (auto status = source.read(sizeof(header_bytes), text); !status) {
      return std::move(status).error();
    }
    std::set<std::string> names;
    std::string twice;
    const nlohmann::json header = nlohmann::json::parse(
        text,
        [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
          if (depth == 1 && event == nlohmann::json::parse_event_t::key && !names.insert(parsed).second) {
            twice = parsed;
          }
          return true;
        },
        false);
    if (!header.is_object()) {
      return invalid("its safetensors header is no JSON object");
    }
    if (!twice.empty()) {
      return invalid("it holds tensor " + quote(twice) + " twice");
    }
    std::vector<CheckpointTensor> tensors;
    const std::uint64_t begin = sizeof(header_bytes) + header_bytes;
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") {
        continue;
      }
      if (auto status = check_name(name); !status) {
        return std::move(status).error();
      }
      auto tensor = parse(name, entry, begin, source.size());
      if (!tensor) {
        return invalid("tensor " + quote(name) +
                       " of its safetensors header does not fit the file, or has an unknown type");
      }
      tensors.push_back(*std::move(tensor));
    }
    if (tensors.empty()) {
      return invalid("its safetensors header names no tensors");
    }
    if (auto status = check_total(tensors, source.size()); !status) {
      return std::move(status).error();
    }
    return Contents{std::move(source), std::move(tensors), {}};
  }

 private:
  static std::optional<CheckpointTensor> parse(const std::string& name, const nlohmann::json& entry,
                                               std::uint64_t begin, std::uint64_t file_bytes) {
    static const std::map<std::string, archive::ElementType, std::less<>> kTypes = {
        {"F32", archive::ElementType::float32}, {"F64", archive::ElementType::float64},
        {"F16", archive::ElementType::float16}, {"BF16", archive::ElementType::bfloat16},
        {"I64", archive::ElementType::int64},   {"I32", archive::ElementType::int32},
        {"I16", archive::ElementType::int16},   {"I8", archive::ElementType::int8},
        {"U8", archive::ElementType::uint8},    {"BOOL", archive::ElementType::boolean}};
    const auto field = [&](const char* key) {
      return entry.is_object() ? entry.value(key, nlohmann::json()) : nlohmann::json();
    };
    const nlohmann::json type = field("dtype");
    const nlohmann::json shape = field("shape");
    const nlohmann::json offsets = field("data_offsets");
    const auto natural = [](const nlohmann::json& number) { return number.is_number_unsigned(); };
    if (!type.is_string() || !shape.is_array() || shape.size() > 8 ||
        !std::all_of(shape.begin(), shape.end(), natural) || !offsets.is_array() || offsets.size() != 2 ||
        !std::all_of(offsets.begin(), offsets.end(), natural)) {
      return std::nullopt;
    }
    const auto known = kTypes.find(type.get_ref<const std::string&>());
    CheckpointTensor tensor;
    tensor.name = name;
    tensor.shape = shape.get<std::vector<std::int64_t>>();
    const auto count = count_elements(tensor.shape);
    const auto first = offsets[0].get<std::uint64_t>();
    const auto last = offsets[1].get<std::uint64_t>();
    if (known == kTypes.end() || !count || first > last || last > file_bytes - begin ||
        (last - first) % archive::bytes_of(known->second) != 0 ||
        (last - first) / archive::bytes_of(known->second) != static_cast<std::uint64_t>(*count)) {
      return std::nullopt;
    }
    tensor.type = known->second;
    tensor.strides = row_major(tensor.shape);
    tensor.file_offset = begin + first;
    return tensor;
  }
};

Result<Contents> read_contents(archive::ByteSource source) {
  std::string head(std::min<std::uint64_t>(source.size(), 64), '\0');
  if (auto status = source.read(0, head); !status) {
    return std::move(status).error();
  }
  if (head.empty()) {
    return invalid("it is empty");
  }
  if (head.starts_with(kZipMagic)) {
    return TorchReader::read(std::move(source));
  }
  if (SafetensorsReader::recognises(head, source.size())) {
    return SafetensorsReader::read(std::move(source));
  }
  if (head.starts_with(kLegacyMagic)) {
    return invalid(
        "it has the format of PyTorch before 1.6: save it again with "
        "torch.save(torch.load('file', map_location='cpu', weights_only=True), 'file.ckpt')");
  }
  if (head.starts_with("version https://git-lfs")) {
    return invalid("it is a Git LFS pointer, not the file it points to: fetch that with git lfs pull");
  }
  if (head.starts_with('<')) {
    return invalid("it is a web page, not a checkpoint: the download went wrong");
  }
  return invalid("it is neither a checkpoint of torch.save nor of safetensors");
}

}  // namespace

std::int64_t CheckpointTensor::elements() const {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) {
    count *= size;
  }
  return count;
}

std::string describe_shape(std::span<const std::int64_t> shape) {
  std::string text;
  for (const std::int64_t size : shape) {
    text += (text.empty() ? "" : ", ") + std::to_string(size);
  }
  return "[" + text + "]";
}

Result<Checkpoint> Checkpoint::read_from(archive::ByteSource source) {
  auto contents = read_contents(std::move(source));
  if (!contents) {
    return std::move(contents).error();
  }
  auto& [bytes, tensors, notes] = contents.value();
  return Checkpoint(std::move(bytes), std::move(tensors), std::move(notes));
}

Result<Checkpoint> Checkpoint::open(const std::string& path) {
  auto source = archive::ByteSource::open(path);
  if (!source) {
    return std::move(source).error();
  }
  auto checkpoint = read_from(std::move(source).value());
  if (!checkpoint) {
    return Error{checkpoint.error().code, "checkpoint " + quote(path) + ": " + checkpoint.error().message};
  }
  return checkpoint;
}

Result<std::vector<float>> Checkpoint::read(const CheckpointTensor& tensor) const {
  if (!archive::is_floating(tensor.type)) {
    return invalid("tensor " + quote(tensor.name) + " holds " + std::string(archive::name(tensor.type)) +
                   ", where floating-point weights belong");
  }
  std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
  if (tensor.type == archive::ElementType::float32 && tensor.strides == row_major(tensor.shape)) {
    if (auto status =
            source_.read(tensor.file_offset, {reinterpret_cast<char*>(values.data()), values.size() * sizeof(float)});
        !status) {
      return std::move(status).error();
    }
  } else if (!values.empty()) {
    const std::size_t width = archive::bytes_of(tensor.type);
    std::vector<char> bytes(static_cast<std::size_t>(*extent(tensor.shape, tensor.strides)) * width);
    if (auto status = source_.read(tensor.file_offset, bytes); !status) {
      return std::move(status).error();
    }
    std::vector<std::int64_t> index(tensor.shape.size());
    std::int64_t at = 0;
    for (float& value : values) {
      value = to_float(tensor.type, bytes.data() + static_cast<std::size_t>(at) * width);
      for (std::size_t d = index.size(); d-- > 0;) {
        at += tensor.strides[d];
        if (++index[d] < tensor.shape[d]) {
          break;
        }
        at -= tensor.strides[d] * tensor.shape[d];
        index[d] = 0;
      }
    }
  }
  const auto bad = std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
  if (bad != values.end()) {
    return invalid("tensor " + quote(tensor.name) + " holds " + (std::isnan(*bad) ? "NaN" : "infinity") +
                   " at element " + std::to_string(bad - values.begin()) + ": the checkpoint is of no use");
  }
  return values;
}

Result<std::int64_t> Checkpoint::read_integer(const CheckpointTensor& tensor) const {
  std::int64_t value = 0;
  if (tensor.type != archive::ElementType::int64 || tensor.elements() != 1) {
    return invalid("tensor " + quote(tensor.name) + " is no single whole number");
  }
  if (auto status = source_.read(tensor.file_offset, {reinterpret_cast<char*>(&value), sizeof(value)}); !status) {
    return std::move(status).error();
  }
  return value;
}

}  // namespace timbre::checkpoint
