{{ config(tags='from_seeds') }}
-- One row per target of the reports, and the special members.
select
    {{ surrogate_key('report_target', ['report_target_code']) }} as report_target_key,
    report_target_code,
    report_target_label,
    cast(report_target_order as integer) as report_target_order
from {{ ref('report_target') }}
union all
select
    member_key,
    member_code,
    member_label,
    99
from (
    values (-1::bigint, '-1', 'Non noto'), (-2::bigint, '-2', 'Anonimo'), (-3::bigint, '-3', 'Non applicabile')
) as special (member_key, member_code, member_label)
