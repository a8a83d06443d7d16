#!/usr/bin/perl
# The learning loop end to end: what was judged wrongly is forwarded as an attachment to a report
# address, waits for a manager or is learned at once, and the next message like it is judged anew.
# Dovecot is the mailbox, swaks the mail program; the forwards are shaped as Thunderbird shapes them.
use strict;
use warnings;

use Digest::SHA qw(sha256_base64);
use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Dovecot;
use Poterne::Gateway;
use Poterne::Mail qw(eicar header_of letter);
use Poterne::Process qw(command_output wait_until);
use Poterne::Tree qw(command_there);

plan skip_all => 'Dovecot (dovecot-lmtpd, dovecot-imapd) is not installed' if !Poterne::Dovecot->there;
plan skip_all => 'swaks is not installed' if !command_there('swaks');

use constant { OUTSIDE => '127.0.0.1', OFFICE => '127.0.0.9', LESSONS => 60, SOON => 12 };
my $domain = 'loop.example';
my ( $jean, $claire, $chef ) = map { "$_\@$domain" } qw(jean claire chef);
my ( $either, $missed, $tagged ) = map { "$_\@$domain" } qw(wrong spam ham);
my $root = tempdir( 'poterne-reports-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;

# Two kinds of mail that the rules alone judge wrongly, by a little.
mkdir "$root/rules";
Poterne::Gateway::write_file( "$root/rules/site.cf", <<'EOF');
header SITE_SEMINAR Subject =~ /seminar/i
score SITE_SEMINAR 5.1
header SITE_OFFER Subject =~ /offer/i
score SITE_OFFER 4.0
EOF

# The key of our domain, as DNS would have it.
command_output( 'openssl', 'genrsa', '-out', "$root/key.pem", 2048 );
my $public = `openssl rsa -in $root/key.pem -pubout 2>/dev/null` =~ s/-----.*-----|\n//gr;
Poterne::Gateway::write_file( "$root/keys", "s1._domainkey.$domain TXT v=DKIM1; k=rsa; p=$public\n" );

my $dovecot = Poterne::Dovecot->start("$root/dovecot");
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => {
        ''      => { managers => "{ $chef }" },
        spam    => { rules    => qq({ "$root/rules" }), reports => $either },
        reports => { spam     => $missed, ham => $tagged, trusted => '{ ' . OFFICE . ' }' },
        queue   => { retry_first => '1s', retry_max => '2s' },
        sender  => { keys     => qq("$root/keys") },
        bayes   => { publish_delay => '0s' },
    },
    domains => {
        $domain => { next_hop => "lmtp://127.0.0.1:$dovecot->{lmtp}", recipients => [ $jean, $claire, $chef ] }
    }
)->start;

# --- what others write, and what they learn from ---

my %words = (
    ham  => [qw(réunion laboratoire séance thèse étudiants salle jeudi budget compte rendu projet demande merci cordialement)],
    spam => [qw(winner casino pills cheap click bonus lottery prize viagra credit refinance guaranteed unlimited million)],
);

sub prose {
    my ($class) = @_;
    my @pool = @{ $words{$class} };
    return join( "\n", map { join ' ', map { $pool[ rand @pool ] } 1 .. 9 } 1 .. 6 ) . "\n";
}

# What is sent: words that make a kind of it among words that nobody has met.
sub text_of {
    my ( $to, $subject, $like ) = @_;
    my $filler = join ' ', map { join '', map { ( 'a' .. 'z' )[ rand 26 ] } 1 .. 7 } 1 .. 8;
    return letter( $to, $subject . ' ' . int( rand 1e6 ), "Hello,\n\n" . $like x 3 . "\n$filler\n" );
}

mkdir "$root/lessons";
for my $class (qw(ham spam)) {
    for my $n ( 1 .. LESSONS ) {
        Poterne::Gateway::write_file( "$root/lessons/$class-$n", letter( $jean, "$class $n", prose($class) ) );
    }
    my ( $status, $said ) = $gateway->poterne( 'learn', "--$class", glob "$root/lessons/$class-*" );
    is( $status, 0, "$class is learned" ) or diag($said);
}

# --- sending, reporting ---

my $sent = 0;

# The id under which it was taken, or what was said instead.
sub send_mail {
    my ( $from_ip, $from, $to, $text ) = @_;
    my $path = "$root/mail-" . $sent++;
    Poterne::Gateway::write_file( $path, $text =~ s/\r\n/\n/gr );
    my ( undef, $said ) = command_output(
        'swaks', '--server', '127.0.0.1', '--port', $gateway->{port}, '--local-interface', $from_ip,
        '--from', $from, '--to', $to, '--data', "\@$path"
    );
    return $said =~ /Accepted as ([0-9A-Z]{26})/ ? $1 : $said;
}

# As Thunderbird forwards as an attachment: a text, then each message as it lies in the mailbox.
sub forward {
    my ( $from, $to, @originals ) = @_;
    my $boundary = '------------' . join '', map { ( 'A' .. 'Z', 'a' .. 'z' )[ rand 52 ] } 1 .. 24;
    my $header = "Message-ID: <$sent." . time . "\@$domain>\nDate: Sun, 22 Nov 2026 10:00:00 +0100\nMIME-Version: 1.0\n"
        . "User-Agent: Mozilla Thunderbird\nContent-Language: en-GB\nTo: $to\nFrom: Somebody <$from>\n"
        . "Subject: Fwd: a message\n"
        . "Content-Type: multipart/mixed; boundary=\"$boundary\"\n\nThis is a multi-part message in MIME format.\n";
    my $body = "--$boundary\nContent-Type: text/plain; charset=UTF-8; format=flowed\nContent-Transfer-Encoding: 7bit\n\n\n";
    for my $original (@originals) {
        $body .= "--$boundary\nContent-Type: message/rfc822; charset=UTF-8;\n name=\"a message.eml\"\n"
            . "Content-Disposition: attachment; filename=\"a message.eml\"\nContent-Transfer-Encoding: 8bit\n\n"
            . ( $original =~ s/\r\n/\n/gr ) . "\n";
    }
    return "$header$body--$boundary--\n";
}

sub forward_inline {
    my ( $from, $to, $text ) = @_;
    return "Message-ID: <$sent." . time . "\@$domain>\nDate: Sun, 22 Nov 2026 10:00:00 +0100\nMIME-Version: 1.0\n"
        . "To: $to\nFrom: <$from>\nSubject: Fwd: a message\nContent-Type: text/plain; charset=UTF-8\n\n\n\n"
        . "-------- Forwarded Message --------\nSubject: \ta message\nDate: \tSun, 22 Nov 2026 09:00:00 +0100\n"
        . "From: \tsomebody\nTo: \t$from\n\n$text\n";
}

# With a DKIM signature of our domain (RFC 6376, simple/simple).
sub signed {
    my ($mail) = @_;
    $mail =~ s/\r?\n/\r\n/g;
    my ( $header, $body ) = split /(?<=\r\n)\r\n/, $mail, 2;
    my @names = qw(From To Subject Date Message-ID);
    my $covered = join '', map { $header =~ /^(\Q$_\E:.*\r\n(?:[ \t].*\r\n)*)/mi ? $1 : '' } @names;
    my $field = "DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=$domain; s=s1;\r\n h="
        . join( ':', @names ) . ";\r\n bh=" . sha256_base64($body) . "=;\r\n b=";
    Poterne::Gateway::write_file( "$root/covered", $covered . $field );
    my $signature = `openssl dgst -sha256 -sign $root/key.pem $root/covered | openssl base64 -A`;
    return ( $field . $signature . "\r\n" . $mail ) =~ s/\r\n/\n/gr;
}

# What the journal says became of it, once it is settled; '' if it waits.
sub fate {
    my ( $id, $seconds ) = @_;
    my $fate = '';
    wait_until(
        $seconds // 20,
        sub {
            my ($story) = $gateway->poterne_json( 'trace', $id );
            my ($recipient) = @{ $story->{recipients} // [] };
            return if !$recipient || $recipient->{state} !~ /delivered|held/;
            $fate = "$recipient->{state}: " . ( $recipient->{outcomes}[-1]{detail} // '' );
            return 1;
        }
    );
    return $fate;
}

# A time zone where it is nearly that hour.
sub zone_where_it_is_soon {
    my ($hour) = @_;
    my $offset = ( $hour * 3600 - SOON - time % 86400 ) % 86400;
    return sprintf 'TST-%02d:%02d:%02d', $offset / 3600, $offset / 60 % 60, $offset % 60;
}

sub reply_to {
    my ( $mail, $from, $to, $words ) = @_;
    my ($body) = $mail =~ /\r\n\r\n(.*)/s;
    return "Message-ID: <$sent." . time . "\@$domain>\nDate: Sun, 22 Nov 2026 10:00:00 +0100\nMIME-Version: 1.0\n"
        . "To: $to\nFrom: <$from>\nSubject: Re: " . header_of( $mail, 'Subject' )
        . "\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: quoted-printable\n\n$words\n\nOn Sunday poterne wrote:\n"
        . ( $body =~ s/^/> /gmr =~ s/\r\n/\n/gr );
}

my %seen;

# The next message that Dovecot has for somebody.
sub next_mail {
    my ( $user, $seconds ) = @_;
    my $mail;
    wait_until(
        $seconds // 20,
        sub {
            my @all = $dovecot->messages($user);
            $mail = $all[ $seen{$user} // 0 ];
            return defined $mail;
        }
    );
    $seen{$user}++ if defined $mail;
    return $mail // '';
}

sub is_tagged { return ( header_of( $_[0], 'X-Spam-Flag' ) // '' ) eq 'YES' }

# Something was learned: waits until a model that knows it judges.
sub with_new_model {
    my ($what) = @_;
    my $from = length $gateway->log_text;
    my @result = $what->();
    ok( $gateway->wait_for_log( qr/ready: every process/, $from, 30 ), 'a new model is taken up' );
    return @result;
}

sub state_of {
    my ($number) = @_;
    my ($proposal) = $gateway->poterne_json( 'reports', 'show', $number );
    return $proposal->{state} // '';
}

sub waiting { return grep { ( $_->{state} // '' ) eq 'waiting' } $gateway->poterne_json( 'reports', 'list' ) }

# --- what was tagged wrongly ---

my $seminar = "programme conférencier amphithéâtre inscription affiche intervenants\n";
my $offer = "recrutement formation catalogue remise abonnement tarif\n";
send_mail( OUTSIDE, 'a@remote.example', $jean, text_of( $jean, 'Seminar', $seminar ) );
my $wrong = next_mail($jean);
ok( is_tagged($wrong), 'a seminar is tagged' ) or diag($wrong);
like( $wrong, qr/^Subject: \[SPAM\] Seminar/m, 'in its subject' );

my $report = send_mail( OUTSIDE, $jean, $either, forward( $jean, $either, $wrong ) );
like( fate($report), qr/^delivered: 1 waiting for a manager \(ham\) as 1$/, 'whoever reports it, it waits' );
my @waiting = waiting();
is( scalar @waiting, 1, 'poterne reports list shows it' );
like( fate( send_mail( OUTSIDE, $jean, $either, forward( $jean, $either, $wrong ) ) ),
    qr/1 known already/, 'reported again it is the same' );

# --- the digest of what waits, at its hour; a manager answers it ---

send_mail( OFFICE, $jean, $jean, eicar($jean) );
ok( wait_until( 10, sub { $gateway->spooled('quarantine') } ), 'a machine of our own sends a virus' );
is( $gateway->stop, 0, 'the gateway stops' );
{
    local $ENV{TZ} = zone_where_it_is_soon(7);
    $gateway->start;
}
is( scalar waiting(), 1, 'what waits outlives it' );
my $digest = next_mail( $chef, 60 );
is( header_of( $digest, 'From' ), "poterne <$either>", 'a manager gets a digest' );
like( header_of( $digest, 'Auto-Submitted' ) // '', qr/^auto-generated/, 'which no program answers' );
like( $digest, qr/Seminar/, 'with the subject of what waits' );
like( $digest, qr/^Infected mail:.*our own \S+ sent 1: a machine to look at \(from.*1 times infected: .*held now: 1 infected/ms,
    'and the machine that sent a virus' );
like( fate( send_mail( OUTSIDE, $chef, $either, reply_to( $digest, $chef, $either, 'accept 1' ) ) ),
    qr/not certainly of a manager/, 'anybody may answer in a manager\'s name: nothing is done' );
is( scalar waiting(), 1, 'it waits on' );
with_new_model(
    sub {
        like( fate( send_mail( OFFICE, $chef, $either, reply_to( $digest, $chef, $either, 'accept 1' ) ) ),
            qr/^delivered: an answer to a digest: done/, 'a manager accepts it' );
    }
);
is( scalar waiting(), 0, 'it waits no more' );
like( next_mail($chef), qr/^Subject: Reports: done/m, 'and the manager is told' );
send_mail( OUTSIDE, 'a@remote.example', $claire, text_of( $claire, 'Seminar', $seminar ) );
my $next = next_mail($claire);
ok( $next && !is_tagged($next), 'the next seminar is not tagged' ) or diag($next);

# --- what was missed ---

send_mail( OUTSIDE, 'b@remote.example', $claire, text_of( $claire, 'Offer', $offer ) );
my $offered = next_mail($claire);
ok( $offered && !is_tagged($offered), 'an offer is not tagged' ) or diag($offered);

$report = send_mail( OUTSIDE, $chef, $missed, forward( $chef, $missed, $offered ) );
like( fate($report), qr/^delivered: 1 waiting for a manager \(spam\)/, 'anybody may write a manager\'s name: it waits' );
( $waiting[0] ) = waiting();
with_new_model(
    sub {
        $report = send_mail( OFFICE, $chef, $missed, forward( $chef, $missed, $offered ) );
        like( fate($report), qr/^delivered: 1 learned \(spam\)$/, 'a manager at the office teaches at once' );
    }
);
send_mail( OUTSIDE, 'b@remote.example', $claire, text_of( $claire, 'Offer', $offer ) );
$next = next_mail($claire);
ok( is_tagged($next), 'the next offer is tagged' ) or diag($next);

# From anywhere else, the signature of our own domain says who it is.
my $signed = signed( forward( $chef, $missed, $next ) );
like( fate( send_mail( OUTSIDE, $chef, $missed, $signed ) ),
    qr/^delivered: 1 learned \(spam\)$/, 'a manager\'s signed report teaches at once from outside' );
( my $changed = $signed ) =~ s/^Subject: Fwd/Subject: FWD/m;
like( fate( send_mail( OUTSIDE, $chef, $missed, $changed ) ),
    qr/^delivered: 1 waiting/, 'with a signature that does not hold it waits' );
is( ( $gateway->poterne( 'reports', 'reject', map { $_->{number} } grep { $_->{subject} =~ /$1/ } waiting() ) )[0],
    0, 'and is rejected' )
    if $next =~ /^Subject: \[SPAM\] (Offer \d+)/m;

# --- what is not what it says ---

my ($real) = $offered =~ /^X-Poterne-Id: ([0-9A-Z]{26})/m;
( my $forged = $wrong ) =~ s/^X-Poterne-Id: [0-9A-Z]{26}/X-Poterne-Id: $real/m;
like( fate( send_mail( OFFICE, $chef, $tagged, forward( $chef, $tagged, $forged ) ) ),
    qr/^delivered: 1 refused: forged$/, 'another message under a real id is refused, also a manager\'s' );
( my $altered = $wrong ) =~ s/(Hello,)/$1 dear friend, buy now,/;
like( fate( send_mail( OFFICE, $chef, $tagged, forward( $chef, $tagged, $altered ) ) ),
    qr/^delivered: 1 waiting for a manager \(ham\)/, 'an altered one waits, also a manager\'s' );

# --- what waits is decided on the command line, too ---

my %number = map { $_->{identity} => $_->{number} } waiting();
is( join( ' ', sort keys %number ), 'altered genuine', 'two wait' );
my ( $status, $said ) = $gateway->poterne( 'reports', 'reject', '--why', 'not he', $number{genuine} );
is( $status, 0, 'what the false manager sent is rejected' ) or diag($said);
( $status, $said ) = $gateway->poterne( 'reports', 'accept', $number{altered} );
is( $status, 0, 'what was altered is accepted' ) or diag($said);
ok(
    wait_until( 30, sub { state_of( $number{altered} ) eq 'learned' } ),
    'and learned'
) or diag( state_of( $number{altered} ) );
is( state_of( $number{genuine} ), 'rejected', 'the other is not' );

# --- nothing attached ---

like( fate( send_mail( OUTSIDE, $jean, $either, forward_inline( $jean, $either, "Buy cheap pills" ) ) ),
    qr/the sender is told how to report$/, 'an inline forward can\'t be learned' );
my $answer = next_mail($jean);
is( header_of( $answer, 'Return-Path' ), '<>', 'its answer comes from nobody' );
like( header_of( $answer, 'Auto-Submitted' ) // '', qr/^auto-replied/, 'and says that no person wrote it' );
like( fate( send_mail( OUTSIDE, $jean, $either, forward_inline( $jean, $either, "Buy cheap pills" ) ) ),
    qr/no answer is sent/, 'within the hour there is no other' );
like( fate( send_mail( OUTSIDE, '<>', $either, forward_inline( $claire, $either, "Buy cheap pills" ) ) ),
    qr/no answer is sent/, 'nor ever one to nobody' );
like( fate( send_mail( OUTSIDE, 'x@remote.example', $either, forward_inline( 'x@remote.example', $either, 'x' ) ) ),
    qr/no answer is sent/, 'nor to others than our own' );

my $foreign = letter( $claire, 'From elsewhere' );
like( fate( send_mail( OUTSIDE, $claire, $either, forward( $claire, $either, $foreign ) ) ),
    qr/what we said of it is not known; the sender is told how/, 'the opposite of nothing can\'t be learned' );
like( next_mail($claire), qr/please forward it as an attachment to \Q$missed\E/, 'but sent elsewhere it could' );

# --- what a report may hold, and to whom it may go ---

like( fate( send_mail( OUTSIDE, $jean, $missed, forward( $jean, $missed, eicar($jean) ) ) ),
    qr/^delivered: 1 waiting for a manager \(spam\)/, 'a virus in a report is what it is about' );
is( scalar $gateway->spooled('quarantine'), 1, 'nothing but the virus is held' );
my $smtp = $gateway->smtp;
my $mixed = $smtp->send( from => $jean, to => [ $either, $claire ], data => \letter($claire) );
is( $mixed->{rcpt}{$either}[0], 250, 'a report is taken' );
is( $mixed->{rcpt}{$claire}[0], 452, 'a letter that goes along is to come by itself' );
$smtp->quit;

# --- when a part is away ---

send_mail( OUTSIDE, 'b@remote.example', $claire, text_of( $claire, 'Offer', $offer ) );
my $another = next_mail($claire);
$gateway->signal_role( 'KILL', 'learner' );
$report = send_mail( OFFICE, $chef, $missed, forward( $chef, $missed, $another ) );
like( fate( $report, 60 ), qr/^delivered: 1 learned \(spam\)$/, 'with the learner killed meanwhile it is learned, later' );
like( fate( send_mail( OFFICE, $chef, $missed, forward( $chef, $missed, $another ) ), 60 ),
    qr/^delivered: 1 learned before \(spam\)$/, 'and once' );
send_mail( OUTSIDE, 'b@remote.example', $claire, text_of( $claire, 'Offer', $offer ) );
$another = next_mail($claire);
$gateway->signal_role( 'KILL', 'reports' );
$report = send_mail( OFFICE, $chef, $missed, forward( $chef, $missed, $another ) );
like( fate( $report, 60 ), qr/^delivered: 1 learned/, 'with the process of the reports killed, too' );

is( $gateway->stop, 0, 'the gateway stops' );
unlike( $gateway->log_text, qr/reader died/, 'no reader died' );
$dovecot->stop;
done_testing();
