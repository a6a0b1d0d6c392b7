#include "client/store/file_client_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "common/base/file_io.h"
#include "common/base/make_directories.h"
#include "common/crypto/xxh3.h"
#include "common/federation/run_id.h"
#include "common/wire/update_bytes.h"

namespace fedgap {
namespace {

// Sections of a file: length, then bytes; a checksum of all before it at the
// end.
constexpr std::string_view kMagic = "fedgap client state 1\n";

using Bytes = std::vector<std::uint8_t>;

std::span<const std::uint8_t> BytesOf(std::span<const float> values) {
  return {reinterpret_cast<const std::uint8_t*>(values.data()),
          values.size_bytes()};
}

std::span<const std::uint8_t> BytesOf(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Bytes Pack(const std::vector<std::span<const std::uint8_t>>& sections) {
  Bytes file(kMagic.begin(), kMagic.end());
  for (const auto& section : sections) {
    const std::uint64_t length = section.size();
    const auto* head = reinterpret_cast<const std::uint8_t*>(&length);
    file.insert(file.end(), head, head + sizeof(length));
    file.insert(file.end(), section.begin(), section.end());
  }
  const Xxh3Digest digest = Xxh3Of128(file);
  file.insert(file.end(), digest.begin(), digest.end());
  return file;
}

// The sections of a file that Pack made; DATA_LOSS for any other.
StatusOr<std::vector<std::span<const std::uint8_t>>> Unpack(
    const Bytes& file, const std::filesystem::path& path) {
  const auto damaged = [&path] {
    return absl::DataLossError(fmt::format("{} is damaged", path.string()));
  };
  const std::span<const std::uint8_t> all(file);
  if (all.size() < kMagic.size() + sizeof(Xxh3Digest)) return damaged();
  const auto body = all.first(all.size() - sizeof(Xxh3Digest));
  const Xxh3Digest digest = Xxh3Of128(body);
  if (std::memcmp(file.data(), kMagic.data(), kMagic.size()) != 0 ||
      std::memcmp(all.data() + body.size(), digest.data(), digest.size()) !=
          0) {
    return damaged();
  }
  std::vector<std::span<const std::uint8_t>> sections;
  auto rest = body.subspan(kMagic.size());
  while (!rest.empty()) {
    std::uint64_t length = 0;
    if (rest.size() < sizeof(length)) return damaged();
    std::memcpy(&length, rest.data(), sizeof(length));
    rest = rest.subspan(sizeof(length));
    if (length > rest.size()) return damaged();
    sections.push_back(rest.first(length));
    rest = rest.subspan(length);
  }
  return sections;
}

Parameters FloatsOf(std::span<const std::uint8_t> bytes) {
  Parameters values(bytes.size() / sizeof(float));
  if (values.empty()) return values;
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

// What update.bin holds.
struct Saved {
  Update update;
  Parameters provisional;
};

StatusOr<Saved> ReadSaved(const std::filesystem::path& path) {
  FEDGAP_ASSIGN_OR_RETURN(const Bytes file, ReadFileBytes(path));
  FEDGAP_ASSIGN_OR_RETURN(const auto sections, Unpack(file, path));
  if (sections.size() != 3) {
    return absl::DataLossError(path.string() + " is damaged");
  }
  StatusOr<UpdateHeader> header = ParseHeader(
      {reinterpret_cast<const char*>(sections[0].data()), sections[0].size()});
  if (!header.ok()) {
    return absl::DataLossError(fmt::format("{} is damaged: {}", path.string(),
                                           MessageOf(header.status())));
  }
  return Saved{{std::move(header->info), FloatsOf(sections[1])},
               FloatsOf(sections[2])};
}

}  // namespace

StatusOr<std::unique_ptr<FileClientStore>> FileClientStore::Open(
    const std::filesystem::path& directory) {
  FEDGAP_RETURN_IF_ERROR(MakeDirectories(directory));
  const std::filesystem::path lock = directory / "lock";
  const int fd = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return ErrnoStatus(errno, "create", lock);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd);
    return absl::FailedPreconditionError(
        fmt::format("another client uses the state directory {}; give each "
                    "client its own --state-dir",
                    directory.string()));
  }
  return std::unique_ptr<FileClientStore>(new FileClientStore(directory, fd));
}

FileClientStore::~FileClientStore() { ::close(lock_fd_); }

StatusOr<std::filesystem::path> FileClientStore::UpdateFile(
    const RunId& run) const {
  FEDGAP_RETURN_IF_ERROR(ValidateRunId(run));
  return directory_ / run.value / "update.bin";
}

StatusOr<std::filesystem::path> FileClientStore::LocalFile(
    const RunId& run) const {
  FEDGAP_RETURN_IF_ERROR(ValidateRunId(run));
  return directory_ / run.value / "local.bin";
}

StatusOr<Parameters> FileClientStore::LocalTensors(const RunId& run) {
  FEDGAP_ASSIGN_OR_RETURN(const auto path, LocalFile(run));
  const StatusOr<Bytes> file = ReadFileBytes(path);
  if (absl::IsNotFound(file.status())) return Parameters();
  FEDGAP_RETURN_IF_ERROR(file.status());
  FEDGAP_ASSIGN_OR_RETURN(const auto sections, Unpack(*file, path));
  if (sections.size() != 1) {
    return absl::DataLossError(path.string() + " is damaged");
  }
  return FloatsOf(sections[0]);
}

Status FileClientStore::SaveUpdate(const RunId& run, const Update& update,
                                   const Parameters& provisional) {
  FEDGAP_ASSIGN_OR_RETURN(const auto path, UpdateFile(run));
  // Without its name on disk, a power cut would take the tensors of all rounds
  // that were synced in it.
  FEDGAP_RETURN_IF_ERROR(MakeDirectories(path.parent_path()));
  const std::string header = SerializeHeader(HeaderOf(update, {}));
  return WriteFileAtomic(
      path, Pack({BytesOf(header), BytesOf(std::span(update.delta)),
                  BytesOf(std::span(provisional))}));
}

StatusOr<std::optional<Update>> FileClientStore::FindUpdate(
    const RunId& run, const TaskId& task) {
  FEDGAP_ASSIGN_OR_RETURN(const auto path, UpdateFile(run));
  StatusOr<Saved> saved = ReadSaved(path);
  if (absl::IsNotFound(saved.status()) || absl::IsDataLoss(saved.status())) {
    return std::optional<Update>();
  }
  FEDGAP_RETURN_IF_ERROR(saved.status());
  if (saved->update.info.task != task) return std::optional<Update>();
  return std::optional<Update>(std::move(saved->update));
}

Status FileClientStore::Resolve(const RunId& run, Round round,
                                bool contributed) {
  FEDGAP_ASSIGN_OR_RETURN(const auto path, UpdateFile(run));
  FEDGAP_ASSIGN_OR_RETURN(const auto local, LocalFile(run));
  const StatusOr<Saved> saved = ReadSaved(path);
  if (absl::IsNotFound(saved.status())) return absl::OkStatus();
  if (!saved.ok() && (contributed || !absl::IsDataLoss(saved.status()))) {
    return Annotate(
        saved.status(),
        fmt::format("the local tensors of round {} cannot be read (remove the "
                    "file to go on with those before it)",
                    round));
  }
  if (saved.ok() && saved->update.info.round > round) return absl::OkStatus();
  if (contributed && saved->update.info.round == round &&
      !saved->provisional.empty()) {
    FEDGAP_RETURN_IF_ERROR(
        WriteFileAtomic(local, Pack({BytesOf(std::span(saved->provisional))})));
  }
  // A crash before this line promotes the same tensors once more.
  std::error_code error;
  std::filesystem::remove(path, error);
  return absl::OkStatus();
}

}  // namespace fedgap
