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
    {%- if day_of_age not in ['12-31', '01-01'] -%}
        {{ exceptions.raise_compiler_error("d33za_day_of_age is '12-31' or '01-01', not '" ~ day_of_age ~ "'.") }}
    {%- endif -%}
    (
        {{ service }}.service_group_code = 'FAR-R'
        and {{ month }}.person_key > 0
        and {{ month }}.territory_key > 0
        and extract(year from {{ month }}.month_on) - {{ month }}.birth_year >= {{ 75 if day_of_age == '12-31' else 76 }}
    )
{%- endmacro %}
