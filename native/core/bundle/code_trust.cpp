#include "bundle/code_trust.h"

#include <caffe2/serialize/file_adapter.h>
#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "bundle/torch_module.h"
#include "support/text.h"

namespace timbre::bundle {

namespace {

using caffe2::serialize::FileAdapter;
using caffe2::serialize::PyTorchStreamReader;
using caffe2::serialize::ReadAdapterInterface;

/// Records by their names.
using Records = std::map<std::string, std::string>;

/// Tensors, the structure that they fill, and what is beside the program. LibTorch reads no program from these, and
/// nothing from the files for debuggers.
bool is_data(std::string_view name) {
  constexpr std::array<std::string_view, 3> kFiles = {"data.pkl", "version", "byteorder"};
  constexpr std::array<std::string_view, 3> kFolders = {"data/", "extra/", ".data/"};
  return std::ranges::find(kFiles, name) != kFiles.end() ||
         std::ranges::any_of(kFolders, [&](std::string_view folder) { return name.starts_with(folder); }) ||
         name.ends_with(".debug_pkl");
}

/// Every record that is not data; none where one is there twice. Throws what LibTorch throws.
std::optional<Records> code_of(PyTorchStreamReader& reader) {
  Records code;
  for (const std::string& name : reader.getAllRecords()) {
    if (is_data(name)) continue;
    const auto [bytes, size] = reader.getRecord(name);
    if (!code.emplace(name, std::string(static_cast<const char*>(bytes.get()), size)).second) return std::nullopt;
  }
  return code;
}

/// LibTorch takes a file with this mark for one of another format, whatever else it is.
bool is_zip(const ReadAdapterInterface& file) {
  constexpr std::string_view kZip = "PK\x03\x04";
  constexpr std::string_view kFlatbuffer = "PTMF";
  std::array<char, kZip.size() + kFlatbuffer.size()> head{};
  if (file.size() < head.size() || file.read(0, head.data(), head.size(), "the head") != head.size()) return false;
  const std::string_view text(head.data(), head.size());
  return text.starts_with(kZip) && !text.ends_with(kFlatbuffer);
}

/// Whether one of the skeletons has this code.
bool is_shipped(const std::string& folder, const Records& code) {
  std::error_code fault;
  return std::ranges::any_of(std::filesystem::directory_iterator(folder, fault), [&](const auto& entry) {
    if (entry.path().extension() != ".pt") return false;
    PyTorchStreamReader skeleton(entry.path().string());
    return code_of(skeleton) == code;
  });
}

Error untrusted(const std::string& path) {
  return {
      ErrorCode::MODEL_UNTRUSTED,
      "the bundle " + quote(path) +
          " brings code that no network of this version has, and code could do anything: "
          "make the bundle of its checkpoint with `timbre models add`, or, if you know who made it, allow its sha256 "
          "(--allow-code)"};
}

}  // namespace

Result<torch::jit::Module> load_module(const std::string& path, const CodeTrust& trust) {
  const auto file = std::make_shared<FileAdapter>(path);
  if (!trust.any) {
    PyTorchStreamReader reader(file);
    const auto code = is_zip(*file) ? code_of(reader) : std::nullopt;
    if (!code || !is_shipped(trust.skeletons, *code)) return untrusted(path);
  }
  return torch::jit::load(file, at::kCPU, /*load_debug_files=*/false);
}

}  // namespace timbre::bundle
