//! What a source is parsed as: module, script, CommonJS, JSX or TypeScript.

use oxc_span::SourceType;

/// What a source is parsed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::passes::parse) struct Goal {
    source_type: SourceType,
    dialect: &'static str,
}

impl Goal {
    pub(in crate::passes::parse) const MODULE: Self = Self { source_type: SourceType::mjs(), dialect: "module" };
    pub(in crate::passes::parse) const SCRIPT: Self = Self { source_type: SourceType::script(), dialect: "script" };
    pub(in crate::passes::parse) const JSX: Self = Self { source_type: SourceType::jsx(), dialect: "jsx" };
    pub(in crate::passes::parse) const COMMONJS: Self = Self { source_type: SourceType::cjs(), dialect: "commonjs" };
    pub(super) const TS: Self = Self { source_type: SourceType::ts(), dialect: "typescript" };
    pub(super) const TSX: Self = Self { source_type: SourceType::tsx(), dialect: "tsx" };
    pub(super) const DECLARATIONS: Self = Self { source_type: SourceType::d_ts(), dialect: "declarations" };
    pub(super) const TS_COMMONJS: Self =
        Self { source_type: SourceType::ts().with_commonjs(true), dialect: "typescript-commonjs" };

    /// For oxc.
    pub(super) fn source_type(self) -> SourceType {
        self.source_type
    }

    /// Its name in the report.
    pub(super) fn dialect(self) -> &'static str {
        self.dialect
    }

    /// Whether it has no types; JSX is JavaScript here.
    pub(super) fn is_javascript(self) -> bool {
        self.source_type.is_javascript()
    }

    /// Whether it is a module, and so strict.
    pub(super) fn is_module(self) -> bool {
        self.source_type.is_module()
    }
}
