import API
import ArgumentParser
import InferenceRuntime
import Trainer

@main
struct Facet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "facet",
        abstract: "One base model, many experts: serve and train LoRA adapters on one 4-bit base.",
        version: FacetVersion.text,
        subcommands: [
            ServeCommand.self,
            GenerateCommand.self,
            ChatCommand.self,
            TrainCommand.self,
            EvalCommand.self,
            PullCommand.self,
            QuantizeCommand.self, ExportCommand.self,
            KeysCommand.self,
            AdaptersCommand.self,
            MigrateCommand.self,
            BenchCommand.self,
            GrammarCommand.self,
        ]
    )

    static func main() async {
        do {
            try InstructionSet.checkEnvironment()
            try checkCommand(CommandLine.arguments.dropFirst(), below: Self.self)
            let arguments = try ConfigurationFile.expand(Array(CommandLine.arguments.dropFirst()))
            var command = try parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            exit(withError: error)
        }
    }

    /// Refuses a command that is not there; with `--help` behind it the parser would show the help of
    /// what stands before it, as if all were well.
    private static func checkCommand(
        _ arguments: ArraySlice<String>,
        below command: any ParsableCommand.Type
    ) throws {
        let subcommands = command.configuration.subcommands
        guard let word = arguments.first, !subcommands.isEmpty, !word.hasPrefix("-"), word != "help"
        else { return }
        let names = subcommands.map { $0.configuration.commandName ?? $0._commandName }
        guard let index = names.firstIndex(of: word) else {
            throw ValidationError(
                "There is no command '\(word)'.\(Spelling.hint(word, among: names)) "
                    + "The commands are: \(names.joined(separator: ", "))."
            )
        }
        try checkCommand(arguments.dropFirst(), below: subcommands[index])
    }
}
