#include "bundle/update_manifest.h"

#include <caffe2/serialize/inline_container.h>

#include <string_view>
#include <utility>

#include "archive/atomic_file.h"
#include "bundle/facts.h"
#include "bundle/torch_module.h"
#include "support/text.h"

namespace timbre::bundle {

namespace {

using caffe2::serialize::PyTorchStreamReader;
using caffe2::serialize::PyTorchStreamWriter;

constexpr std::string_view kExtra = "extra/";
constexpr const char* kManifest = "manifest.json";

Result<Manifest> update(const std::string& path, const std::string& facts, const std::string& out,
                        const std::map<std::string, std::string>& extras) {
  auto current = read_manifest(path);
  if (!current) {
    return std::move(current).error();
  }
  auto merged = merge_facts(current.value().json, facts);
  if (!merged) {
    return std::move(merged).error();
  }
  auto manifest = parse_manifest(merged.value());
  if (!manifest) {
    return Error{ErrorCode::INVALID_ARGUMENT, "with these facts " + manifest.error().message};
  }
  std::map<std::string, std::string> replaced = extras;
  replaced[kManifest] = manifest.value().json;

  PyTorchStreamReader reader(path);
  auto file = archive::AtomicFile::create(out);
  if (!file) {
    return std::move(file).error();
  }
  PyTorchStreamWriter writer([&](const void* bytes, std::size_t count) {
    file.value().write(bytes, count);
    return count;
  });
  for (const std::string& name : reader.getAllRecords()) {
    // The writer makes its own serialisation id.
    if (name == ".data/serialization_id" ||
        (name.starts_with(kExtra) && replaced.contains(name.substr(kExtra.size())))) {
      continue;
    }
    const auto [bytes, size] = reader.getRecord(name);
    writer.writeRecord(name, bytes.get(), size, /*compress=*/name.starts_with("code/"));
  }
  for (const auto& [name, content] : replaced) {
    if (!content.empty()) {
      writer.writeRecord(std::string(kExtra) + name, content.data(), content.size());
    }
  }
  writer.writeEndOfFile();
  if (auto status = file.value().commit(); !status) {
    return std::move(status).error();
  }
  return manifest;
}

}  // namespace

Result<Manifest> update_manifest(const std::string& path, const std::string& facts, const std::string& out,
                                 const std::map<std::string, std::string>& extras) {
  try {
    return update(path, facts, out, extras);
  } catch (...) {
    return torch_error(ErrorCode::MODEL_INVALID, "the bundle " + quote(path) + " cannot be rewritten");
  }
}

}  // namespace timbre::bundle
