{{ config(tags='from_seeds') }}
-- One row per code of the contract's list, with its newest label, and the special members.
{{ code_dimension('report_reason', 'code_report_reason') }}
