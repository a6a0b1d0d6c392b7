// A command line with one of everything that is described.
#ifndef FEDGAP_TESTS_COMMON_USAGE_SAMPLE_APP_H_
#define FEDGAP_TESTS_COMMON_USAGE_SAMPLE_APP_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace fedgap {

class SampleApp {
 public:
  SampleApp() {
    CLI::App* logs = app.add_subcommand("logs", "What happened.");
    logs->add_option("run", word_, "A run's directory")
        ->type_name("RUN")
        ->required();
    logs->add_option("--level", word_, "It's [this] or above: all of it")
        ->type_name("debug|info")
        ->capture_default_str();
    logs->add_option("--client", words_, "Only of this client")
        ->allow_extra_args(false);
    logs->add_option("-o,--out", word_, "Where to")->type_name("FILE");
    logs->add_option("--data", word_, "Images")->type_name("DATA");
    logs->add_option("--server", word_, "Its address")->type_name("HOST:PORT");
    logs->add_option("--tail", number_, "Only the last")
        ->check(CLI::Range(1, 9));
    logs->add_flag("-f,--follow", flag_, "Go on");
    logs->add_flag("--secret", flag_, "Nobody's business")->group("");
    logs->footer(
        "Times are UTC.\nExit codes: 0 done.\n\nExamples:\n  tool logs 'a b'");
    CLI::App* certs = app.add_subcommand("certs", "Certificates");
    certs->require_subcommand(1);
    CLI::App* show = certs->add_subcommand("show", "Print them");
    show->add_option("PATH", words_, "Files")->type_name("PATH")->required();
    CLI::App* init = certs->add_subcommand("init", "Make them");
    init->add_option("DIR", word_, "Where")->type_name("DIR")->required();
    init->add_flag("--replace", flag_, "Overwrite");
  }

  CLI::App app{"The tool of a test.", "sample-tool"};

 private:
  std::string word_;
  std::vector<std::string> words_;
  int number_ = 3;
  bool flag_ = false;
};

}  // namespace fedgap

#endif  // FEDGAP_TESTS_COMMON_USAGE_SAMPLE_APP_H_
