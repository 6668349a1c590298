-- One row per assessment of a touched episode, in whichever file it came.
select
    stay.episode_key,
    assessment.assessed_on
from {{ ref('int_far__stay') }} as stay
inner join {{ ref('stg_far1__assessment') }} as assessment
    on
        stay.delivery_id = assessment.delivery_id
        and stay.record_number = assessment.record_number
union
select
    episode.episode_key,
    assessment.assessed_on
from {{ ref('int_service__episode') }} as episode
inner join {{ ref('stg_far2__period') }} as period
    on
        episode.service_family_code = 'FAR'
        and episode.sender_code = period.sender_code
        and episode.episode_id = period.admission_id
inner join {{ ref('stg_far2__assessment') }} as assessment
    on
        period.delivery_id = assessment.delivery_id
        and period.record_number = assessment.record_number
union
select
    care.episode_key,
    assessment.assessed_on
from {{ ref('int_adi__care') }} as care
inner join {{ ref('stg_adi1__assessment') }} as assessment
    on
        care.delivery_id = assessment.delivery_id
        and care.record_number = assessment.record_number
union
select
    episode.episode_key,
    reassessment.reassessed_on
from {{ ref('int_service__episode') }} as episode
inner join {{ ref('stg_adi2__care') }} as care
    on
        episode.service_family_code = 'ADI'
        and episode.sender_code = care.sender_code
        and episode.episode_id = care.care_id
inner join {{ ref('stg_adi2__reassessment') }} as reassessment
    on
        care.delivery_id = reassessment.delivery_id
        and care.record_number = reassessment.record_number
