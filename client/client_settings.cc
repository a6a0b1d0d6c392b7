#include "client/client_settings.h"

namespace fedgap {

void BindClientSettings(ClientSettings& settings, ConfigSchema& schema) {
  ConfigSection section = schema.Section(
      "client", "One site: its server, its data, its resources.");
  section.Text("server", &settings.server, "The server, host:port");
  BindAccess(settings.access, section);
  section
      .Text("name", &settings.name,
            "The client's name without TLS; with it the certificate says so")
      .Text("data", &settings.data,
            "folder:DIR, idx:DIR, fashion-mnist or synthetic:SEED,N")
      .Text("resolution", &settings.resolution,
            "Resize every image, e.g. 28 or 24x36 (height x width); without "
            "it each keeps its own size")
      .Integer("channels", &settings.channels, ConfigRange::Between(0, 3),
               "Convert images to 1 (grey) or 3 (RGB) channels; 0: as they "
               "are")
      .Choice("split", &settings.split, {"train", "test", "all"},
              "Which part of the data set; all: the whole of it for training")
      .Number("test_fraction", &settings.test_fraction,
              ConfigRange::Between(0, 0.9),
              "Of a folder that brings no split with it, so much is its test "
              "part; 0: all of it is for training")
      .Text("part", &settings.part,
            "Take part I of N of the data, e.g. 2/6 (from 1)")
      .Text("partition", &settings.partition,
            "How parts are cut: iid, dirichlet:ALPHA, classes:C, "
            "quantity:ALPHA")
      .Integer("partition_seed", &settings.partition_seed,
               ConfigRange::AtLeast(0),
               "The same at every client that shares the data set")
      .Choice("on_bad_image", &settings.on_bad_image, {"fail", "skip"},
              "What to do about a damaged image")
      .Text("state_dir", &settings.state_dir,
            "Where a finished update survives a restart; empty: in memory")
      .Integer("threads", &settings.threads, ConfigRange::AtLeast(1),
               "Threads for training; they change no bits")
      .Text("isa", &settings.isa,
            "Instruction set of the kernels (see --cpu-info); empty: the "
            "fastest")
      .Integer("give_up_after", &settings.give_up_after,
               ConfigRange::AtLeast(0),
               "Seconds without the server before the client ends; 0: never")
      .Integer("keepalive_seconds", &settings.keepalive_seconds,
               ConfigRange::Between(5, 3600),
               "Ping the server after so long without data; a firewall that "
               "forgets connections earlier needs less");
  BindLog(settings.log, section);
}

}  // namespace fedgap
