{# Completed years on a day: from the birth month when the registry gives it, else the difference of the years. #}
{% macro age_on(day, birth_month_on, birth_year) -%}
    coalesce(
        cast(extract(year from age({{ day }}, {{ birth_month_on }})) as integer),
        cast(extract(year from {{ day }}) as integer) - {{ birth_year }}
    )
{%- endmacro %}

{# Days of a multirange of days. #}
{% macro days_of(multirange) -%}
    (
        select coalesce(sum(upper(part.days) - lower(part.days)), 0)
        from unnest({{ multirange }}) as part (days)
    )
{%- endmacro %}

{# Days of an episode from the first that its sender delivered: of what was before, only those are known who were still there. #}
{% macro observed(episode, days) -%}
    {{ episode }}.{{ days }} * datemultirange(daterange({{ episode }}.observed_from, null))
{%- endmacro %}

{# The episodes of one flow that this build writes again, with the columns that lead to their records. #}
{% macro touched_episodes(family) -%}
    select
        touched.episode_key,
        touched.sender_code,
        touched.episode_id,
        touched.touched_from
    from {{ ref('int_service__touched') }} as touched
    where touched.service_family_code = '{{ family }}'
{%- endmacro %}

{# Family and service of a row, for marts that count persons distinct in both; filter service_level. #}
{% macro service_cuts(month) -%}
    cross join lateral (
        values ('family', {{ month }}.service_family_code), ('service', {{ month }}.service_code)
    ) as level (service_level, service_code)
{%- endmacro %}

{# Whether a person in a month of a service counts for the national indicator D33Za: a resident of the region (her comune is known) in
   residential care, of 75 years and more on the day of age. The year of birth tells the age of the year's last day; of its first day those
   are sure to have it who were born in an earlier year. #}
{% macro is_d33za(month, service) -%}
    {%- set day_of_age = var('d33za_day_of_age') -%}
    {%- if execute and day_of_age not in ['12-31', '01-01'] -%}
        {{ exceptions.raise_compiler_error("d33za_day_of_age is '12-31' or '01-01', not '" ~ day_of_age ~ "'.") }}
    {%- endif -%}
    (
        {{ service }}.service_group_code = 'FAR-R'
        and {{ month }}.person_key > 0
        and {{ month }}.territory_key > 0
        and extract(year from {{ month }}.month_on) - {{ month }}.birth_year >= {{ 75 if day_of_age == '12-31' else 76 }}
    )
{%- endmacro %}

{# The AUSL of an episode on a day of its own, as a reform may have come since it began: `ausl_then`. #}
{% macro ausl_on(episode, day) -%}
    left join {{ ref('int_territory__ausl') }} as ausl_then
        on
            coalesce(nullif({{ episode }}.district_code, '-1'), {{ episode }}.sender_code) = ausl_then.territory_code
            and {{ day }} between ausl_then.valid_from and ausl_then.valid_to
{%- endmacro %}

{# And its comune, with the columns that a fact has of both. #}
{% macro place_on(episode, day) -%}
    {{ ausl_on(episode, day) }}
    left join {{ ref('territory') }} as comune_then
        on
            {{ episode }}.residence_comune_code = comune_then.comune_code
            and {{ day }} between comune_then.valid_from and comune_then.valid_to
            and comune_then.district_code is not null
{%- endmacro %}

{% macro place_columns(episode) -%}
    {{ episode }}.district_code,
    coalesce(ausl_then.ausl_code, '-1') as ausl_code,
    case
        when comune_then.comune_code is null then {{ episode }}.territory_key
        else {{ surrogate_key('territory', ["'comune'", 'comune_then.comune_code', 'comune_then.valid_from']) }}
    end as territory_key
{%- endmacro %}

{# Of what adds up to a total over a window, the share of a row to the cent: shares add up to the rounded total. `window` is in order. #}
{% macro share_of_total(amount, window) -%}
    (
        round(sum({{ amount }}) over {{ window }}, 2) - round(sum({{ amount }}) over {{ window }} - {{ amount }}, 2)
    )
{%- endmacro %}
