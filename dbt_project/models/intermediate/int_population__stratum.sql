{{ config(tags='from_seeds', materialized='table') }}
-- One row per year, territory, sex and age band: residents on the reference day of int_population__residents.
with reference as (
    select distinct
        year_number,
        residents_on
    from {{ ref('int_population__residents') }}
),

district as (
    select
        reference_on,
        district_code,
        sex_code,
        age_band_key,
        sum(n_residents) as n_residents
    from {{ ref('fct_population') }}
    group by reference_on, district_code, sex_code, age_band_key
)

select
    reference.year_number,
    place.territory_level,
    place.territory_code,
    district.sex_code,
    district.age_band_key,
    cast(sum(district.n_residents) as integer) as n_residents
from reference
inner join district
    on reference.residents_on = district.reference_on
inner join {{ ref('int_territory__member') }} as member
    on
        member.territory_level = 'district'
        and district.district_code = member.territory_code
        and make_date(reference.year_number, 1, 1) between member.valid_from and member.valid_to
{{ places('member.district_code', 'member.ausl_code') }}
-- The desks' history begins in 2010; a stratum is needed only for years that can have contacts.
where reference.year_number >= 2010
group by 1, 2, 3, 4, 5
