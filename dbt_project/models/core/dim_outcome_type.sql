{{ config(tags='from_seeds') }}
-- One row per code of the contract's list, with its newest label, and the special members.
{{ code_dimension('outcome_type', 'code_outcome_type') }}
