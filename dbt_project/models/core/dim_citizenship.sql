{{ config(tags='from_seeds') }}
-- One row per country, and the special members. 999 (not known) is a code of its own, kept as received.
select
    {{ surrogate_key('citizenship', ['citizenship_code']) }} as citizenship_key,
    citizenship_code,
    citizenship_label,
    case
        when citizenship_code = '100' then 'italiana'
        when citizenship_code = '999' then 'non disponibile'
        else 'straniera'
    end as citizenship_group,
    is_eu
from {{ ref('citizenship') }}
union all
select
    {{ surrogate_key('citizenship', ["'999'"]) }},
    '999',
    'Non nota',
    'non disponibile',
    false
where
    not exists (
        select 1
        from {{ ref('citizenship') }}
        where citizenship_code = '999'
    )
union all
select
    member_key,
    member_code,
    member_label,
    'non disponibile',
    false
from (
    values (-1::bigint, '-1', 'Non noto'), (-2::bigint, '-2', 'Anonimo'), (-3::bigint, '-3', 'Non applicabile')
) as special (member_key, member_code, member_label)
