{{ config(tags='from_seeds', indexes=[{'columns': ['territory_level', 'territory_code', 'valid_from']}]) }}
-- One row per comune, district, AUSL or region and period of its place in the hierarchy (type 2).
select
    {{ surrogate_key('territory', ['territory_level', 'territory_code', 'valid_from']) }} as territory_key,
    territory_level,
    territory_code,
    territory_label,
    comune_code,
    province_code,
    district_code,
    district_label,
    ausl_code,
    ausl_label,
    '080' as region_code,
    valid_from,
    valid_to,
    valid_to = date '9999-12-31' as is_current
from {{ ref('int_territory__member') }}
union all
select
    member_key,
    'special',
    member_code,
    member_label,
    member_code,
    member_code,
    member_code,
    member_label,
    member_code,
    member_label,
    member_code,
    date '1900-01-01',
    date '9999-12-31',
    true
from (
    values
    (-1::bigint, '-1', 'Fuori regione o non noto'), (-2::bigint, '-2', 'Anonimo'), (-3::bigint, '-3', 'Non applicabile')
) as special (member_key, member_code, member_label)
