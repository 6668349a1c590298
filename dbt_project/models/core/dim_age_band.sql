{{ config(tags='from_seeds') }}
-- One row per age band of the reports (seed age_band), and the special members.
select
    {{ surrogate_key('age_band', ['age_band_code']) }} as age_band_key,
    age_band_code,
    age_band_label,
    age_from,
    age_to
from {{ ref('age_band') }}
union all
select
    member_key,
    member_code,
    member_label,
    -1,
    -1
from (
    values (-1::bigint, '-1', 'Non nota'), (-2::bigint, '-2', 'Anonimo'), (-3::bigint, '-3', 'Non applicabile')
) as special (member_key, member_code, member_label)
