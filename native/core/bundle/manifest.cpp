#include "bundle/manifest.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string_view>

#include "archive/zip_archive.h"
#include "bundle/identity.h"
#include "support/text.h"

namespace timbre::bundle {

namespace {

/// Bundles with a field `pauses` are of format 2: a reader that passed over it would make other embeddings of them.
constexpr int kFormat = 2;
constexpr std::string_view kDigestAlgorithm = "xxh3-128";
constexpr std::size_t kDigestDigits = 32;
constexpr std::size_t kShownCharacters = 60;
constexpr std::uint64_t kMaxManifestBytes = 16U << 20;
constexpr std::uint64_t kMaxUnpackedBytes = 16U << 20;

// Far beyond any model; they keep a damaged manifest from asking for absurd amounts of memory.
constexpr std::int64_t kMaxSampleRate = 384000;
constexpr std::int64_t kMaxSamples = 1 << 20;
constexpr std::int64_t kMaxBins = 4096;
constexpr std::int64_t kMaxDim = 1 << 16;
constexpr std::int64_t kMaxFrames = 1000;
constexpr int kMaxDepth = 64;  // what is read and written by recursion
constexpr double kMaxSeconds = 1e6;
constexpr double kMaxScale = 1e9;
constexpr double kMaxDb = 1000;
constexpr double kMaxPause = 60;
constexpr double kMaxFade = 1;

Error invalid(const std::string& what) {
  return Error{ErrorCode::MODEL_INVALID,
               "the bundle's manifest is not valid: " + what + "; make the bundle again with `timbre models add`"};
}

template <typename T>
std::string range(T from, T to) {
  std::ostringstream text;
  text << " from " << from << " to " << to;
  return text.str();
}

/// Takes required fields by their path ("frontEnd.melBins"). What is missing or wrong gives an empty value, and the
/// first such field is the fault.
class ManifestReader {
 public:
  explicit ManifestReader(const nlohmann::json& root) : root_(root) {}

  const std::optional<std::string>& fault() const { return fault_; }

  std::string text(const std::string& path) {
    const auto* value = find(path);
    if (value == nullptr || !value->is_string() || value->get_ref<const std::string&>().empty()) {
      return wrong<std::string>(path, value, "a text");
    }
    return value->get<std::string>();
  }

  std::string text(const std::string& path, std::string_view characters, std::size_t shortest, std::size_t longest,
                   const std::string& wanted) {
    std::string found = text(path);
    if (found.size() < shortest || found.size() > longest || found.find_first_not_of(characters) != found.npos) {
      return wrong<std::string>(path, find(path), wanted);
    }
    return found;
  }

  std::string one_text(const std::string& path, std::initializer_list<std::string_view> choices) {
    std::string found = text(path);
    if (std::ranges::find(choices, found) != choices.end()) {
      return found;
    }
    std::string wanted;
    for (const std::string_view choice : choices) {
      wanted += (wanted.empty() ? "" : " or ") + std::string(choice);
    }
    return wrong<std::string>(path, find(path), wanted);
  }

  bool boolean(const std::string& path) {
    const auto* value = find(path);
    return value != nullptr && value->is_boolean() ? value->get<bool>() : wrong<bool>(path, value, "true or false");
  }

  std::int64_t integer(const std::string& path, std::int64_t from, std::int64_t to) {
    const auto* value = find(path);
    if (value == nullptr || !value->is_number_integer() || value->get<double>() < static_cast<double>(from) ||
        value->get<double>() > static_cast<double>(to)) {
      return wrong<std::int64_t>(path, value, "a whole number" + range(from, to));
    }
    return value->get<std::int64_t>();
  }

  bool has(const std::string& path) const { return find(path) != nullptr; }

  double number(const std::string& path, double from, double to) {
    const auto* value = find(path);
    if (value == nullptr || !value->is_number() || value->get<double>() < from || value->get<double>() > to) {
      return wrong<double>(path, value, "a number" + range(from, to));
    }
    return value->get<double>();
  }

 private:
  const nlohmann::json* find(std::string_view path) const {
    const nlohmann::json* at = &root_;
    while (!path.empty()) {
      const std::string key(path.substr(0, path.find('.')));
      path.remove_prefix(std::min(path.size(), key.size() + 1));
      const auto found = at->find(key);  // end() of anything that is no object
      if (found == at->end()) {
        return nullptr;
      }
      at = &*found;
    }
    return at;
  }

  template <typename T>
  T wrong(const std::string& path, const nlohmann::json* value, const std::string& wanted) {
    if (!fault_) {
      std::string shown = value == nullptr ? "missing" : value->dump(-1, ' ', true);
      if (shown.size() > kShownCharacters) {
        shown = shown.substr(0, kShownCharacters) + "...";
      }
      fault_ = path + " is " + shown + " where " + wanted + " belongs";
    }
    return T{};
  }

  const nlohmann::json& root_;
  std::optional<std::string> fault_;
};

nlohmann::ordered_json identity_field(const std::string& identity) {
  return {{"algorithm", kDigestAlgorithm}, {"value", identity}};
}

FrontEndConfig read_front_end(ManifestReader& reader) {
  FrontEndConfig config;
  config.type = reader.text("frontEnd.type");
  config.sample_rate = static_cast<int>(reader.integer("input.sampleRate", 1, kMaxSampleRate));
  config.frame_length = static_cast<int>(reader.integer("frontEnd.frameLength", 1, kMaxSamples));
  config.frame_shift = static_cast<int>(reader.integer("frontEnd.frameShift", 1, kMaxSamples));
  config.fft_length = static_cast<int>(reader.integer("frontEnd.fftLength", config.frame_length, kMaxSamples));
  config.window = reader.text("frontEnd.window");
  config.mel_bins = static_cast<int>(reader.integer("frontEnd.melBins", 1, kMaxBins));
  config.low_hz = reader.number("frontEnd.lowHz", 0, config.sample_rate / 2.0);
  config.high_hz = reader.number("frontEnd.highHz", config.low_hz, config.sample_rate / 2.0);
  config.sample_scale = reader.number("frontEnd.sampleScale", 1 / kMaxScale, kMaxScale);
  config.preemphasis = reader.number("frontEnd.preemphasis", 0, 1);
  config.remove_dc = reader.boolean("frontEnd.removeDc");
  config.log_floor = reader.number("frontEnd.logFloor", 0, 1);
  config.top_db = reader.number("frontEnd.topDb", 0, kMaxDb);
  config.subtract_mean = reader.boolean("frontEnd.subtractMean");
  return config;
}

std::optional<PauseRule> read_pauses(ManifestReader& reader) {
  if (!reader.has("pauses")) {
    return std::nullopt;
  }
  PauseRule rule;
  rule.detector = reader.text("pauses.detector");
  rule.longest = reader.number("pauses.longestSeconds", 0, kMaxPause);
  rule.margin = reader.number("pauses.marginSeconds", 0, kMaxPause);
  rule.silence = reader.number("pauses.silence", 0, 1);
  rule.fade = reader.number("pauses.fadeSeconds", 0, kMaxFade);
  return rule;
}

}  // namespace

Result<Manifest> parse_manifest(const std::string& json) {
  bool too_deep = false;
  const auto within_depth = [&too_deep](int depth, nlohmann::json::parse_event_t, const nlohmann::json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return depth <= kMaxDepth;
  };
  const auto root = nlohmann::json::parse(json, within_depth, /*allow_exceptions=*/false);
  if (!root.is_object()) {
    return invalid("it is no JSON object");
  }
  if (too_deep) {
    return invalid("it nests deeper than " + std::to_string(kMaxDepth) + " levels");
  }
  ManifestReader reader(root);
  const auto format = reader.integer("format", 1, std::numeric_limits<std::int32_t>::max());
  if (!reader.fault() && format > kFormat) {
    return Error{ErrorCode::MODEL_INVALID, "the bundle has format " + std::to_string(format) +
                                               ", made by a newer Timbre; this one reads formats up to " +
                                               std::to_string(kFormat) + ": update timbre-voice"};
  }
  Manifest manifest;
  manifest.id = reader.text("id", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", 1, 128,
                            "up to 128 letters, digits, '.', '_' and '-'");
  manifest.version = reader.text("version");
  manifest.family = reader.text("family");
  manifest.trained = reader.boolean("trained");
  manifest.precision = reader.one_text("precision", {"fp32", "int8"});
  if (reader.has("kind") && reader.one_text("kind", {"embedding", "segmentation"}) == "segmentation") {
    manifest.kind = Kind::segmentation;
    manifest.front_end.sample_rate = static_cast<int>(reader.integer("input.sampleRate", 1, kMaxSampleRate));
    manifest.window_samples = static_cast<std::size_t>(reader.integer("input.windowSamples", 1, kMaxSamples));
  } else {
    manifest.embedding_dim = static_cast<std::size_t>(reader.integer("embedding.dim", 1, kMaxDim));
    manifest.shortest_frames = static_cast<std::size_t>(reader.integer("input.shortestFrames", 1, kMaxFrames));
    manifest.longest_seconds = reader.number("input.longestSeconds", 0, kMaxSeconds);
    manifest.front_end = read_front_end(reader);
    manifest.pauses = read_pauses(reader);
  }
  reader.one_text("weightsDigest.algorithm", {kDigestAlgorithm});
  manifest.weights_digest =
      reader.text("weightsDigest.value", "0123456789abcdef", kDigestDigits, kDigestDigits, "32 hexadecimal digits");
  if (reader.fault()) {
    return invalid(*reader.fault());
  }
  if (manifest.pauses && manifest.pauses->detector != kSpeechDetector) {
    return Error{ErrorCode::MODEL_INVALID, "the bundle's pauses are found by " + quote(manifest.pauses->detector) +
                                               ", and this Timbre hears speech with " + quote(kSpeechDetector) +
                                               ": update timbre-voice, or make the bundle again with `timbre models "
                                               "add`"};
  }
  if (manifest.kind == Kind::segmentation) {
    manifest.identity = manifest.identity_with_pauses = segmentation_identity_of(root, manifest.weights_digest);
  } else {
    manifest.identity = identity_of(root, manifest.weights_digest, manifest.front_end, Pauses::cut);
    manifest.identity_with_pauses = identity_of(root, manifest.weights_digest, manifest.front_end, Pauses::keep);
  }
  if (!root.contains("identity")) {  // a bundle of before there was one
    auto complete = nlohmann::ordered_json::parse(json);
    complete["identity"] = identity_field(manifest.identity);
    manifest.json = complete.dump(1);
    return manifest;
  }
  if (root.at("identity") != nlohmann::json(identity_field(manifest.identity))) {
    return invalid("identity is not that of its weights, constants, front end and pauses (" + manifest.identity + ")");
  }
  manifest.json = json;
  return manifest;
}

Status expect_kind(const Manifest& manifest, Kind wanted) {
  if (manifest.kind == wanted) {
    return ok();
  }
  const std::string what =
      wanted == Kind::embedding
          ? " is a segmentation network, which tells who of several voices talks when and embeds none: take an "
            "embedding model, such as starter"
          : " is an embedding network, which tells no voices of one recording apart: take a segmentation network "
            "(`timbre models pull segmentation`)";
  return Error{ErrorCode::MODEL_INVALID, "the bundle " + quote(manifest.id) + what};
}

Result<Manifest> read_manifest(const std::string& path) {
  const std::string file = quote(path);
  const auto refuse = [&file](const std::string& what) {
    return Error{ErrorCode::MODEL_INVALID, file + " is no bundle: " + what};
  };
  auto source = archive::ByteSource::open(path);
  if (!source) {
    return std::move(source).error();
  }
  auto archive = archive::ZipArchive::open(std::move(source).value());
  if (!archive) {
    return refuse("it is no zip archive, or damaged; `timbre models add` makes bundles from checkpoints");
  }
  // PyTorch puts everything below one folder, named after the file that was saved.
  const auto& members = archive.value().members();
  const std::string root =
      members.empty() ? "" : members.begin()->first.substr(0, members.begin()->first.find('/') + 1);
  const auto code = members.lower_bound(root + "code/");
  if (archive.value().find(root + "data.pkl") == nullptr) {
    return refuse("the zip archive was not made by PyTorch");
  }
  if (code == members.end() || !code->first.starts_with(root + "code/")) {
    return refuse("it is a plain PyTorch checkpoint; `timbre models add` converts it");
  }
  if (archive.value().find(root + "extra/manifest.json") == nullptr) {
    return refuse(
        "it is TorchScript without a manifest.json, not made by Timbre; convert its checkpoint with `timbre models "
        "add`");
  }
  for (const auto& [name, member] : members) {
    if (name.starts_with(root + "data/")) {
      continue;
    }
    if (!member.stored) {  // its code is compressed; LibTorch compares it with its checksum as it unpacks it
      if (member.size > kMaxUnpackedBytes) {
        return refuse(quote(name) + " would unpack to " + std::to_string(member.size) + " bytes");
      }
      continue;
    }
    if (auto status = archive.value().verify(name); !status) {
      return refuse(status.error().message);
    }
  }
  auto text = archive.value().read(root + "extra/manifest.json", kMaxManifestBytes);
  if (!text) {
    return refuse(text.error().message);
  }
  auto manifest = parse_manifest(text.value());
  if (!manifest) {
    return Error{manifest.error().code, file + ": " + manifest.error().message};
  }
  return manifest;
}

}  // namespace timbre::bundle
