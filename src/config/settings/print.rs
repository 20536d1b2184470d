//! The documentation of the settings.

use super::{
    Kind::{Flag, List, Secret, Text, Whole},
    Preset::{Follows, Is},
    SETTINGS,
};

/// Every setting with its default, as a file that could be used as it is.
pub(in crate::config) fn print() -> String {
    let mut text = String::from(
        "# PSA Gateway: every setting with its default. Copy to psa-gateway.toml what should differ.\n\
         #\n\
         # The same names work in the environment, in capitals after PSA_GATEWAY_ (PSA_GATEWAY_LISTEN), and\n\
         # the common ones as flags (--listen). Flags go before the environment, the environment before this\n\
         # file. An empty variable counts as none.\n",
    );
    for setting in SETTINGS {
        let value = |value: &str| match setting.kind {
            Whole(..) | Flag => value.to_owned(),
            List(_) => {
                let parts = value.split(',').map(str::trim).filter(|part| !part.is_empty());
                format!("[{}]", parts.map(|part| format!("\"{part}\"")).collect::<Vec<_>>().join(", "))
            }
            Text(_) | Secret(_) => format!("\"{value}\""),
        };
        let line = match setting.preset {
            Is(preset) => format!("{} = {}", setting.name, value(preset)),
            Follows(how, example) => {
                format!("# Where it is missing: {how}.\n# {} = {}", setting.name, value(example))
            }
        };
        text.extend(["\n# ", setting.about, "\n# A value is ", &setting.expected(), ".\n", &line, "\n"]);
    }
    text
}
