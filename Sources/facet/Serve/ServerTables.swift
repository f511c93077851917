import API
import AdapterStore
import Storage
import Trainer

/// The tables of everything that a server keeps.
enum ServerTables {
    static var all: [ModuleMigrations] {
        [
            .adapters, FileStore.migrations, FineTuningStore.migrations,
            StoredCompletionStore.migrations, BatchStore.migrations, ResponseTable.migrations,
        ]
    }
}
