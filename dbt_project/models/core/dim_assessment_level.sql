{{ config(tags='from_seeds') }}
-- One row per area of the multidimensional assessment and level of need in it (seed assessment_level), and the special members.
select
    {{ surrogate_key('assessment_level', ['assessment_area_code', 'level_code']) }} as assessment_level_key,
    assessment_area_code,
    assessment_area_label,
    level_code,
    level_label
from {{ ref('assessment_level') }}
union all
select
    member_key,
    member_code,
    member_label,
    member_code,
    member_label
from (
    values (-1::bigint, '-1', 'Non noto'), (-2::bigint, '-2', 'Anonimo'), (-3::bigint, '-3', 'Non applicabile')
) as special (member_key, member_code, member_label)
